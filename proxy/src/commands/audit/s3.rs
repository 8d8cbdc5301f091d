//! An archive in a bucket, as lines in the chain's order.
use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use hyper::body::Bytes;
use tokio::runtime::Runtime;

use super::answer::{Flawed, Trouble};
use super::files::LINE_BYTES_MAX;
use super::source::{Place, Source};
use super::verify::{VerifyArgs, VerifyFrom};
use crate::ledger::{Bucket, Object, S3Error, StorePlace, span};

/// An object as the archive cuts them, with room for other ways to compress.
const OBJECT_BYTES_MAX: usize = 64 << 20;
/// A registry or a checkpoint.
const SMALL_BYTES_MAX: usize = 4 << 20;
/// How many objects without protection are named.
const NAMED_MAX: usize = 20;
/// One question, with its answer.
const WAIT: Duration = Duration::from_secs(60);
/// How often one is asked, and the pause before the second time; each further one is twice as long.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Where `--from s3` finds its store.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct StoreArgs {
    /// With `--from s3`: the bucket's region. Default: AWS_REGION or AWS_DEFAULT_REGION.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// With `--from s3`: URL of another store or a VPC endpoint.
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
}

/// One chain's folder in a bucket.
pub(super) struct StoreLines {
    store: Store,
    /// A page of the listing.
    page: VecDeque<Object>,
    /// The last name of the pages so far.
    listed: String,
    more: bool,
    open: Option<Open>,
    bytes_read: u64,
}

impl StoreLines {
    pub(super) fn open(args: &VerifyArgs) -> io::Result<Self> {
        let store = Store::open(args)?;
        let listed = String::new();
        Ok(Self { store, page: VecDeque::new(), listed, more: true, open: None, bytes_read: 0 })
    }

    fn next_object(&mut self) -> io::Result<Option<Object>> {
        loop {
            if let Some(object) = self.page.pop_front() {
                return Ok(Some(object));
            }
            if !self.more {
                return Ok(None);
            }
            let prefix = format!("{}events-", self.store.folder);
            let (objects, more) = self.store.list(&prefix, &self.listed)?;
            if let Some(last) = objects.last() {
                self.listed.clone_from(&last.key);
            }
            self.more = more && !objects.is_empty();
            self.page = objects.into_iter().filter(|object| span(&object.key).is_some()).collect();
        }
    }
}

impl Source for StoreLines {
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Place>> {
        loop {
            if self.open.is_none() {
                let Some(object) = self.next_object()? else { return Ok(None) };
                self.bytes_read += object.size;
                self.open = Some(self.store.object(&object)?);
            }
            match self.open.as_mut().and_then(|open| open.next(line)) {
                Some(place) => return Ok(Some(place)),
                None => self.open = None,
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

/// The registry of signers that the archive itself holds: the newest.
pub(super) fn registry(args: &VerifyArgs) -> io::Result<Vec<u8>> {
    let store = Store::open(args)?;
    match store.newest("signers-")? {
        Some((_, registry)) => Ok(registry),
        None => Err(io::Error::other("the archive has no registry: give `--signers`")),
    }
}

/// The newest checkpoint in the archive, with its name.
pub(super) fn checkpoint(args: &VerifyArgs) -> io::Result<Option<(String, Vec<u8>)>> {
    Store::open(args)?.newest("checkpoint-")
}

/// Whether nobody can delete an object of the archive now, where that is asked.
pub(super) fn check_retention(args: &VerifyArgs) -> Result<(), Trouble> {
    if !args.retention {
        return Ok(());
    }
    if args.from != VerifyFrom::S3 {
        return Err(Trouble::Unusable("`--retention` is about `--from s3`".to_owned()));
    }
    let open = unprotected(args).map_err(|e| Trouble::Unusable(e.to_string()))?;
    if open.count == 0 {
        return Ok(());
    }
    let more = match open.count - open.named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let flaw = format!(
        "{} objects have neither retention nor a legal hold, as far as credentials see it that have \
         `s3:GetObjectRetention` and `s3:GetObjectLegalHold`: {}{more}",
        open.count,
        open.named.join(", ")
    );
    Err(Trouble::Broken(None, Flawed { event: None, flaw }))
}

/// Objects that could be deleted now.
#[derive(Default)]
struct Unprotected {
    count: usize,
    named: Vec<String>,
}

fn unprotected(args: &VerifyArgs) -> io::Result<Unprotected> {
    let store = Store::open(args)?;
    let (mut open, mut listed) = (Unprotected::default(), String::new());
    loop {
        let (objects, more) = store.list(&store.folder, &listed)?;
        for object in &objects {
            if !store.is_protected(&object.key)? {
                open.count += 1;
                if open.named.len() < NAMED_MAX {
                    open.named.push(format!("s3://{}/{}", store.name, object.key));
                }
            }
        }
        match objects.into_iter().next_back() {
            Some(last) if more => listed = last.key,
            _ => return Ok(open),
        }
    }
}

struct Store {
    runtime: Runtime,
    bucket: Bucket,
    name: String,
    /// Up to and with its `/`.
    folder: String,
}

impl Store {
    fn open(args: &VerifyArgs) -> io::Result<Self> {
        let form = || io::Error::other("`--from s3` reads one `s3://BUCKET/PREFIX`");
        let [path] = args.paths.as_slice() else { return Err(form()) };
        let url = path.to_str().and_then(|path| path.strip_prefix("s3://")).ok_or_else(form)?;
        let (name, prefix) = url.split_once('/').unwrap_or((url, ""));
        let StoreArgs { region, endpoint } = args.store.clone();
        let ca = args.ca.clone();
        let bucket =
            Bucket::new(name, &StorePlace { region, endpoint, ca, ..StorePlace::default() });
        let bucket = bucket.map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut store = Self { runtime, bucket, name: name.to_owned(), folder: String::new() };
        store.folder = store.folder_below(prefix)?;
        Ok(store)
    }

    /// The folder of the one chain whose events are below a prefix.
    fn folder_below(&self, prefix: &str) -> io::Result<String> {
        let first = self.first_folder(prefix, "")?;
        let place = format!("s3://{}/{prefix}", self.name);
        let none = || io::Error::other(format!("`{place}`: there are no events"));
        let first = first.ok_or_else(none)?;
        // Nothing in the folder has a name that comes after this.
        match self.first_folder(prefix, &format!("{first}~"))? {
            None => Ok(first),
            Some(second) => Err(io::Error::other(format!(
                "`{place}`: there are several chains; name one, such as `s3://{0}/{first}` or \
                 `s3://{0}/{second}`",
                self.name
            ))),
        }
    }

    fn first_folder(&self, prefix: &str, after: &str) -> io::Result<Option<String>> {
        let mut after = after.to_owned();
        loop {
            let (objects, more) = self.list(prefix, &after)?;
            let events = objects.iter().find(|object| span(&object.key).is_some());
            if let Some(object) = events {
                let end = object.key.rfind('/').map_or(0, |slash| slash + 1);
                return Ok(object.key.get(..end).map(str::to_owned));
            }
            match objects.last() {
                Some(last) if more => after.clone_from(&last.key),
                _ => return Ok(None),
            }
        }
    }

    /// The last of those whose names begin so: the names have numbers of a fixed width.
    fn newest(&self, begin: &str) -> io::Result<Option<(String, Vec<u8>)>> {
        let prefix = format!("{}{begin}", self.folder);
        let mut newest = String::new();
        loop {
            let (objects, more) = self.list(&prefix, &newest)?;
            if let Some(last) = objects.last() {
                newest.clone_from(&last.key);
            }
            if !more || objects.is_empty() {
                break;
            }
        }
        if newest.is_empty() {
            return Ok(None);
        }
        let content = self.read(&newest, SMALL_BYTES_MAX)?;
        Ok(Some((format!("s3://{}/{newest}", self.name), content.to_vec())))
    }

    fn list(&self, prefix: &str, after: &str) -> io::Result<(Vec<Object>, bool)> {
        let place = || format!("s3://{}/{prefix}", self.name);
        self.patiently(place, async || self.bucket.list(prefix, after).await)
    }

    fn read(&self, key: &str, bytes_max: usize) -> io::Result<Bytes> {
        let place = || format!("s3://{}/{key}", self.name);
        let read = self.patiently(place, async || self.bucket.read(key, bytes_max).await)?;
        read.ok_or_else(|| io::Error::other(format!("`{}` has gone", place())))
    }

    fn is_protected(&self, key: &str) -> io::Result<bool> {
        let place = || format!("s3://{}/{key}", self.name);
        self.patiently(place, async || self.bucket.is_protected(key).await)
    }

    fn object(&self, object: &Object) -> io::Result<Open> {
        let content = self.read(&object.key, OBJECT_BYTES_MAX)?;
        Ok(Open::new(format!("s3://{}/{}", self.name, object.key), content))
    }

    /// Asks until there is an answer, a refusal that stays, or no patience.
    fn patiently<T>(
        &self,
        place: impl Fn() -> String,
        ask: impl AsyncFn() -> Result<T, S3Error>,
    ) -> io::Result<T> {
        self.runtime.block_on(async {
            let mut pause = PAUSE;
            for _ in 1..TRIES {
                match tokio::time::timeout(WAIT, ask()).await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(error)) if !error.is_passing() => return Err(told(&place(), &error)),
                    _ => tokio::time::sleep(pause).await,
                }
                pause *= 2;
            }
            let last = tokio::time::timeout(WAIT, ask()).await;
            let late = |_| io::Error::other(format!("`{}`: no answer in time", place()));
            last.map_err(late)?.map_err(|error| told(&place(), &error))
        })
    }
}

fn told(place: &str, error: &S3Error) -> io::Error {
    io::Error::other(format!("`{place}`: {error}"))
}

/// An object that is being read.
struct Open {
    within: Arc<str>,
    from: BufReader<Box<dyn Read + Send>>,
    number: u64,
}

impl Open {
    fn new(within: String, content: Bytes) -> Self {
        let packed = within.ends_with(".gz");
        let content = Cursor::new(content);
        let from: Box<dyn Read + Send> = match packed {
            true => Box::new(MultiGzDecoder::new(content)),
            false => Box::new(content),
        };
        Self { within: within.into(), from: BufReader::with_capacity(1 << 16, from), number: 0 }
    }

    /// What cannot be unpacked is handed on as it is, and is no event: somebody changed it.
    fn next(&mut self, line: &mut Vec<u8>) -> Option<Place> {
        let read = self.from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line);
        match read {
            Ok(0) => return None,
            Ok(_) => {}
            Err(_) => {
                line.extend_from_slice(b"(the object is damaged)");
                self.from = BufReader::with_capacity(1, Box::new(io::empty()));
            }
        }
        self.number += 1;
        Some(Place { within: Arc::clone(&self.within), number: self.number })
    }
}
