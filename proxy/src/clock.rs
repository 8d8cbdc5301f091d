//! The one place that reads the wall clock.
use std::time::SystemTime;

use jiff::Timestamp;

/// The wall clock's time.
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// The wall clock's time, for rules and the record.
pub fn timestamp() -> Timestamp {
    Timestamp::now()
}
