//! `tollgate dlp index`: the customer's records and documents as keyed hashes.
//!
//! Nothing of a record or document is printed, neither in what is told nor in an error: lines and
//! columns have numbers, and columns the names that the command line gives them.
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;
use tollgate_config::settings::SecretRef;
use tollgate_dlp::known::{
    Column, DocumentBuilder, DocumentIndex, DocumentStats, Form, KnownKey, RecordBuilder,
    RecordIndex, RecordStats,
};

use crate::commands::{EXIT_FAULT, EXIT_USAGE, EXIT_WELL, answered, complain};
use crate::say;
use crate::snapshot::read_secret;

/// How large one document may be.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;
/// How long a line of JSON may be.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// How deep folders of documents may be.
const FOLDERS_MAX: usize = 10_000;

/// Make an index of records or documents that must not leave, as keyed hashes
///
/// Records: `tollgate dlp index --key-file K --columns email:email,card:digits,name:words IN OUT`.
/// IN is CSV or TSV with a line of names, or JSON lines; `-` is standard input. Forms of columns:
/// `exact`, `words` (any case, whatever stands between), `digits`, `code` (letters and digits),
/// `email`.
///
/// Documents: `tollgate dlp index --key-file K --documents FOLDER OUT`.
///
/// The settings name OUT and the key in `dlp.known`. No record or document is printed.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::commands) struct Index {
    /// The key: 16 bytes or more, such as `openssl rand -hex 32` makes
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The columns of the records that are looked for, each with its form
    #[arg(long, value_name = "NAME:FORM,…", value_delimiter = ',', value_parser = column)]
    columns: Vec<Column>,
    /// A folder of texts
    #[arg(long, value_name = "FOLDER", conflicts_with = "columns")]
    documents: Option<PathBuf>,
    /// How the records are written; the file's ending says it otherwise, and CSV is assumed
    #[arg(long)]
    format: Option<Format>,
    /// Say what an index holds, counted
    #[arg(long, conflicts_with_all = ["columns", "documents", "format"])]
    explain: bool,
    /// The records, unless there are none to read; then the index
    #[arg(value_name = "FILE", num_args = 1..=2, required = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Csv,
    Tsv,
    Jsonl,
}

fn column(text: &str) -> Result<Column, String> {
    let (name, form) = text.rsplit_once(':').unwrap_or((text, "exact"));
    let form = Form::parse(form).ok_or_else(|| {
        let forms = Form::ALL.map(Form::as_str).join(", ");
        format!("the form after `:` is one of {forms}")
    })?;
    match name.is_empty() {
        true => Err("a column has a name".to_owned()),
        false => Ok(Column { name: name.to_owned(), form }),
    }
}

/// What went wrong, and whose fault that is.
struct Fault(String, u8);

impl Fault {
    fn of_input(what: impl Into<String>) -> Self {
        Self(what.into(), EXIT_USAGE)
    }
}

impl Index {
    pub(super) fn run(&self) -> ExitCode {
        match self.told() {
            Ok(told) => answered(format_args!("{told}\n"), EXIT_WELL),
            Err(Fault(what, code)) => complain(what, code),
        }
    }

    fn told(&self) -> Result<String, Fault> {
        let key = self.key()?;
        match (self.files.as_slice(), &self.documents) {
            ([file], None) if self.explain => explained(file, &key),
            ([out], Some(folder)) => documents(folder, out, &key),
            ([input, out], None) if !self.explain && !self.columns.is_empty() => {
                self.records(input, out, &key)
            }
            ([_, _], None) if !self.explain => {
                Err(Fault::of_input("which columns? say `--columns NAME:FORM,…`"))
            }
            _ => Err(Fault::of_input(
                "records need IN and OUT; `--documents FOLDER` and `--explain` need one file",
            )),
        }
    }

    fn key(&self) -> Result<KnownKey, Fault> {
        let secret = read_secret(&SecretRef::File(self.key_file.clone()));
        let secret = secret.map_err(|fault| Fault::of_input(fault.to_string()))?;
        KnownKey::derive(&secret)
            .map_err(|fault| Fault::of_input(format!("`{}`: {fault}", self.key_file.display())))
    }

    fn records(&self, input: &Path, out: &Path, key: &KnownKey) -> Result<String, Fault> {
        let mut builder = RecordBuilder::new(key, self.columns.clone())
            .map_err(|fault| Fault::of_input(fault.to_string()))?;
        let reader: Box<dyn Read> = match input.as_os_str() == "-" {
            true => Box::new(std::io::stdin()),
            false => Box::new(File::open(input).map_err(|error| cannot("read", input, &error))?),
        };
        let format = self.format.unwrap_or_else(|| match input.extension() {
            Some(ending) if ending == "tsv" => Format::Tsv,
            Some(ending) if ending == "jsonl" || ending == "ndjson" => Format::Jsonl,
            _ => Format::Csv,
        });
        let read = match format {
            Format::Csv => self.table(reader, b',', &mut builder),
            Format::Tsv => self.table(reader, b'\t', &mut builder),
            Format::Jsonl => self.lines(reader, &mut builder),
        };
        read.map_err(|what| Fault::of_input(format!("`{}`: {what}", input.display())))?;
        let (stats, file) = builder.write();
        write(out, &file)?;
        Ok(of_records(&stats))
    }

    fn table(
        &self,
        input: Box<dyn Read>,
        delimiter: u8,
        builder: &mut RecordBuilder,
    ) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(input);
        let names = reader.headers().map_err(|error| broken(&error))?;
        let places = self.columns.iter().map(|column| {
            let place = names.iter().position(|name| name.trim() == column.name);
            // What stands in the first line may be a record: it is not shown.
            place.ok_or_else(|| format!("line 1 names no column `{}`", column.name))
        });
        let places = places.collect::<Result<Vec<usize>, String>>()?;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| broken(&error))? {
            builder.row(places.iter().map(|place| record.get(*place).unwrap_or_default()));
        }
        Ok(())
    }

    fn lines(&self, input: Box<dyn Read>, builder: &mut RecordBuilder) -> Result<(), String> {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = (&mut input).take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
            match read.map_err(|error| format!("line {number}: {error}"))? {
                0 => break,
                bytes if bytes as u64 > LINE_BYTES_MAX => {
                    return Err(format!("line {number} is longer than 16 MiB"));
                }
                _ if line.trim_ascii().is_empty() => continue,
                _ => {}
            }
            // The parser's own words may show the input; its place does not.
            let value: Value = serde_json::from_slice(&line)
                .map_err(|error| format!("line {number}, column {}: not JSON", error.column()))?;
            let Value::Object(members) = value else {
                return Err(format!("line {number} is not an object"));
            };
            let cell = |column: &Column| match members.get(&column.name) {
                None | Some(Value::Null) => Ok(String::new()),
                Some(Value::String(text)) => Ok(text.clone()),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
                Some(_) => {
                    Err(format!("line {number}: `{}` is neither a text nor a number", column.name))
                }
            };
            let cells = self.columns.iter().map(cell).collect::<Result<Vec<String>, String>>()?;
            builder.row(cells.iter().map(String::as_str));
        }
        Ok(())
    }
}

/// What is wrong with a table; never what stands in it.
fn broken(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            format!("line {line}: field {} is not UTF-8", err.field().saturating_add(1))
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line} has {len} fields, and line 1 has {expected_len}")
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => format!("line {line} cannot be read"),
    }
}

fn documents(folder: &Path, out: &Path, key: &KnownKey) -> Result<String, Fault> {
    let mut builder = DocumentBuilder::new(key);
    let mut count = 0_usize;
    for path in texts(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let mut text = Vec::new();
        let file = File::open(&path).map_err(|error| cannot("read", &path, &error))?;
        file.take(DOCUMENT_BYTES_MAX + 1)
            .read_to_end(&mut text)
            .map_err(|error| cannot("read", &path, &error))?;
        if text.len() as u64 > DOCUMENT_BYTES_MAX {
            return Err(Fault::of_input(format!("`{}` is larger than 256 MiB", path.display())));
        }
        if std::str::from_utf8(&text).is_err() {
            say::aside(format_args!(
                "tollgate: `{}` is skipped: it is no text in UTF-8",
                path.display()
            ));
            continue;
        }
        if builder.add(&name, &text) == 0 {
            say::aside(format_args!(
                "tollgate: `{}` is too short to be told from others",
                path.display()
            ));
        }
        count += 1;
    }
    if count == 0 {
        return Err(Fault::of_input(format!("`{}` holds no texts", folder.display())));
    }
    let (stats, file) = builder.write();
    write(out, &file)?;
    Ok(of_documents(&stats))
}

/// The files of a folder and of those in it, by name; links to folders are not followed.
fn texts(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut folders = VecDeque::from([folder.to_owned()]);
    let (mut files, mut seen) = (Vec::new(), 0);
    while let Some(folder) = folders.pop_front() {
        seen += 1;
        if seen > FOLDERS_MAX {
            return Err(Fault::of_input(format!("there are more than {FOLDERS_MAX} folders")));
        }
        let entries =
            std::fs::read_dir(&folder).map_err(|error| cannot("read", &folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot("read", &folder, &error))?;
            let kind = entry.file_type().map_err(|error| cannot("read", &entry.path(), &error))?;
            match kind.is_dir() {
                true => folders.push_back(entry.path()),
                false if entry.path().is_file() => files.push(entry.path()),
                false => {}
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn explained(path: &Path, key: &KnownKey) -> Result<String, Fault> {
    let file = std::fs::read(path).map_err(|error| cannot("read", path, &error))?;
    let wrong = |error| Fault::of_input(format!("`{}`: {error}", path.display()));
    match RecordIndex::read(&file, key) {
        Ok(index) => Ok(of_records(&index.stats())),
        // What is no index of records may be one of documents.
        Err(tollgate_dlp::known::IndexError::Kind(_)) => {
            let index = DocumentIndex::read(&file, key).map_err(wrong)?;
            Ok(of_documents(&index.stats()))
        }
        Err(error) => Err(wrong(error)),
    }
}

fn of_records(stats: &RecordStats) -> String {
    let columns =
        stats.columns.iter().map(|column| format!("  {}: {}", column.name, column.form.as_str()));
    let columns: Vec<String> = columns.collect();
    format!(
        "an index of records, made with key {}\n{} rows; {} cells are found, {} are not (empty, too short, too long, of another form)\n{} bytes, {:.1} a cell\n{}",
        stats.key,
        stats.rows,
        stats.cells,
        stats.skipped,
        stats.bytes,
        stats.bytes as f64 / (stats.cells.max(1)) as f64,
        columns.join("\n")
    )
}

fn of_documents(stats: &DocumentStats) -> String {
    let documents = stats
        .documents
        .iter()
        .map(|document| format!("  {}: {} fingerprints", document.name, document.prints));
    let documents: Vec<String> = documents.collect();
    format!(
        "an index of documents, made with key {}\n{} documents, {} fingerprints, {} bytes\n{}",
        stats.key,
        stats.documents.len(),
        stats.prints,
        stats.bytes,
        documents.join("\n")
    )
}

/// Writes beside and renames, so that a gate that reads meanwhile reads the old or the new.
fn write(out: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let mut beside = out.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, out));
    written.map_err(|error| {
        // What is half written is of no use; that it cannot be removed is no news.
        let _ = std::fs::remove_file(&beside);
        Fault(format!("cannot write `{}`: {error}", out.display()), EXIT_FAULT)
    })
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Fault {
    Fault::of_input(format!("cannot {what} `{}`: {error}", path.display()))
}
