//! zip, and the office documents that are made of it.
//!
//! Some readers follow the directory at the end and some the headers before each file. An archive
//! is read only if both tell of the same files and nothing stands between them.
use flate2::bufread::DeflateDecoder;
use rawzip::{
    CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive, ZipVerification,
};

use super::kind::Kind;
use super::limits::Why;
use super::pack::{Entry, Pack};
use super::{Node, Opening};

const BROKEN: Why = Why::Malformed("it is not a well-formed zip archive");
const GAPS: Why = Why::Malformed("its directory does not tell of all that is in it");

pub(crate) fn open(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Pack, Why> {
    let archive = ZipArchive::from_slice(bytes).map_err(|_| BROKEN)?;
    if archive.end_offset() != bytes.len() as u64 {
        return Err(GAPS);
    }
    let mut records = Vec::new();
    let mut directory = archive.entries();
    while let Some(record) = directory.next_entry().map_err(|_| BROKEN)? {
        opening.budget.entry()?;
        records.push(record);
    }
    if records.len() as u64 != archive.entries_hint() {
        return Err(GAPS);
    }
    let ranges = records.iter().map(|record| range(&archive, record)).collect::<Result<_, _>>()?;
    // Before any file is read: files that share their bytes would make much of little.
    let beside = beside(bytes, ranges, archive.directory_offset())?;
    let files = records.iter().map(|record| file(&archive, record, opening));
    let entries = files.collect::<Result<_, _>>()?;
    Ok(Pack { raw: bytes.to_vec(), entries, beside })
}

/// Where a file's header begins, where its data begins and ends, and whether something may follow.
struct Range {
    header: usize,
    data: usize,
    end: usize,
    descriptor: bool,
}

fn range(archive: &ZipSliceArchive<&[u8]>, record: &ZipFileHeaderRecord<'_>) -> Result<Range, Why> {
    let entry = archive.get_entry(record.wayfinder()).map_err(|_| BROKEN)?;
    let local = entry.local_header();
    let same_name = local.file_path().as_bytes() == record.file_path().as_bytes();
    let same_method = local.compression_method() == record.compression_method();
    if !same_name || !same_method {
        return Err(GAPS);
    }
    let (data, end) = entry.compressed_data_range();
    let place = |at: u64| usize::try_from(at).map_err(|_| BROKEN);
    Ok(Range {
        header: place(record.local_header_offset())?,
        data: place(data)?,
        end: place(end)?,
        descriptor: record.flags().has_data_descriptor(),
    })
}

fn file(
    archive: &ZipSliceArchive<&[u8]>,
    record: &ZipFileHeaderRecord<'_>,
    opening: &mut Opening<'_>,
) -> Result<Entry, Why> {
    let entry = archive.get_entry(record.wayfinder()).map_err(|_| BROKEN)?;
    let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
    let packed = entry.data();
    if record.flags().is_encrypted() {
        let body = Node::Unread(packed.to_vec(), Why::Encrypted);
        return Ok(Entry { name, body });
    }
    let body = match plain(record.compression_method(), packed, opening) {
        Err(why) => Node::Unread(packed.to_vec(), why),
        Ok(plain) => {
            let made = ZipVerification {
                crc: rawzip::crc32(&plain),
                uncompressed_size: plain.len() as u64,
            };
            entry.claim_verifier().valid(made).map_err(|_| BROKEN)?;
            opening.inner(&Kind::Any, &plain)
        }
    };
    Ok(Entry { name, body })
}

fn plain(
    method: CompressionMethod,
    packed: &[u8],
    opening: &mut Opening<'_>,
) -> Result<Vec<u8>, Why> {
    match method {
        CompressionMethod::STORE => Ok(packed.to_vec()),
        CompressionMethod::DEFLATE => {
            let mut decoder = DeflateDecoder::new(packed);
            let plain = opening.budget.expand(&mut decoder, packed.len())?;
            // Something behind the end of the compressed data is no part of the file.
            match decoder.into_inner().is_empty() {
                true => Ok(plain),
                false => Err(GAPS),
            }
        }
        _ => Err(Why::Coding),
    }
}

/// All that is no file's data. Between a file and the next header only a descriptor may stand.
fn beside(bytes: &[u8], mut ranges: Vec<Range>, directory: u64) -> Result<Vec<Vec<u8>>, Why> {
    /// The signature, the checksum and two lengths of eight bytes.
    const DESCRIPTOR_BYTES: usize = 24;
    ranges.sort_by_key(|range| range.header);
    let directory = usize::try_from(directory).map_err(|_| BROKEN)?;
    let mut beside = Vec::new();
    let (mut end, mut slack) = (0_usize, 0);
    for range in &ranges {
        let gap = range.header.checked_sub(end).ok_or(GAPS)?;
        if gap > slack {
            return Err(GAPS);
        }
        beside.push(bytes.get(end..range.data).ok_or(BROKEN)?.to_vec());
        end = range.end;
        slack = if range.descriptor { DESCRIPTOR_BYTES } else { 0 };
    }
    let gap = directory.checked_sub(end).ok_or(GAPS)?;
    if gap > slack {
        return Err(GAPS);
    }
    beside.push(bytes.get(end..).ok_or(BROKEN)?.to_vec());
    Ok(beside)
}
