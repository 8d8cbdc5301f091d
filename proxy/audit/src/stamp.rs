//! The one written form of a time: UTC, six digits of a second, `Z`.
use jiff::Timestamp;
use jiff::tz::Offset;

/// `2026-11-21T02:54:00.000001Z`.
pub fn write_stamp(time: Timestamp) -> String {
    let at = Offset::UTC.to_datetime(time);
    let Ok(year) = u16::try_from(at.year()) else {
        return time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    };
    let mut out = String::with_capacity(27);
    let micros = at.subsec_nanosecond() / 1000;
    let part = |n: i8| u32::from(n.unsigned_abs());
    // Every event has three of these, so no format is read for them.
    for (number, digits, after) in [
        (u32::from(year), 4, '-'),
        (part(at.month()), 2, '-'),
        (part(at.day()), 2, 'T'),
        (part(at.hour()), 2, ':'),
        (part(at.minute()), 2, ':'),
        (part(at.second()), 2, '.'),
        (micros.unsigned_abs(), 6, 'Z'),
    ] {
        for place in (0..digits).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            out.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
        out.push(after);
    }
    out
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
    fn any_time_is_written_as_its_format_says() {
        let day = 86_400_000_001;
        for micros in (-800_000 * day..2_900_000 * day).step_by(7_777_777_777_777) {
            let time = Timestamp::from_microsecond(micros).unwrap();
            let expect = time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            assert_eq!(write_stamp(time), expect);
        }
    }

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
