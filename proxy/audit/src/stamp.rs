//! The one written form of a time: UTC, six digits of a second, `Z`.
use jiff::Timestamp;

/// `2026-11-21T02:54:00.000001Z`.
pub fn write_stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Reads only what [`write_stamp`] writes.
pub fn read_stamp(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (write_stamp(time) == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_written_form() {
        let text = "2026-11-21T02:54:00.000001Z";
        let time = read_stamp(text).unwrap();
        assert_eq!(write_stamp(time), text);
        for bad in [
            "2026-11-21T02:54:00.000Z",
            "2026-11-21T02:54:00.000001+00:00",
            "2026-11-21 02:54:00.000001Z",
            "2026-11-21T02:54:00.0000010Z",
            "",
        ] {
            assert!(read_stamp(bad).is_none(), "for {bad}");
        }
    }
}
