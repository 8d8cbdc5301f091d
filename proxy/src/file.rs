//! Files that others write: settings, bundles, secrets, certificates.
//!
//! Where a file is expected may stand something that never ends or never answers: a FIFO that nobody
//! writes to, a device. Whoever may write an application's `.env` could keep the gate waiting for
//! ever or fill its memory. So only regular files are read, and no more of them than is asked for.
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// No file of settings, rules or secrets is larger.
pub const BYTES_MAX: u64 = 64 << 20;

/// Opens a regular file; anything else is an error, without a wait.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

/// Reads a whole file of at most `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = open(path)?;
    let length = file.metadata()?.len().min(most);
    // All of it at once: what is moved while it grows would stay behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length + 1).unwrap_or(0)));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("it is larger than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// The same, as text.
pub fn read_text(path: &Path, most: u64) -> io::Result<Zeroizing<String>> {
    let bytes = read(path, most)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The certificates in a PEM file, or why they cannot be read.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(path, BYTES_MAX).map_err(|error| error.to_string())?;
    let all = CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>();
    // Its own words show the label's bytes as numbers.
    all.map_err(|error: pem::Error| match error {
        pem::Error::MissingSectionEnd { .. } => "a certificate in it has no end".to_owned(),
        pem::Error::Base64Decode(_) => "a certificate in it is no base64".to_owned(),
        _ => "it is no PEM".to_owned(),
    })
}

/// The private key in a PEM file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, pem::Error> {
    PrivateKeyDer::from_pem_slice(&read(path, BYTES_MAX).map_err(pem::Error::Io)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_cannot_be_read_are_told_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let begin = "-----BEGIN CERTIFICATE-----\n";
        for (text, why) in [
            (format!("{begin}MIIB"), "a certificate in it has no end"),
            (format!("{begin}MIIB\n-----END CERT"), "a certificate in it has no end"),
            (
                format!("{begin}M?IB\n-----END CERTIFICATE-----\n"),
                "a certificate in it is no base64",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(certificates(&path).unwrap_err(), why);
        }
        assert_eq!(certificates(folder.path()).unwrap_err(), "it is no regular file");
    }

    #[test]
    fn only_regular_files_are_read_and_no_more_of_them_than_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("plain"), "twelve bytes").unwrap();
        assert_eq!(*read_text(&path("plain"), 12).unwrap(), "twelve bytes");
        assert_eq!(read(&path("plain"), 11).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        std::os::unix::fs::symlink(path("plain"), path("link")).unwrap();
        assert_eq!(*read_text(&path("link"), 12).unwrap(), "twelve bytes");
        // Nobody ever writes to it.
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path("fifo"), rustix::fs::FileType::Fifo, mode, 0)
            .unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("endless")).unwrap();
        for name in ["fifo", "endless", "."] {
            let error = read(&path(name), 12).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}: {error}");
        }
        assert_eq!(read(&path("none"), 12).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(path("bytes"), [0xff, 0xfe]).unwrap();
        assert_eq!(read_text(&path("bytes"), 12).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
