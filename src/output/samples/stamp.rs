//! The time of a sample as text. Samples come in bunches of one time, so the last text is kept.

use crate::options::outputs::CsvTimeFormat;
use crate::output::log::WallTime;
use crate::time::Instant;

pub struct Stamp {
    format: CsvTimeFormat,
    zero_unix_ns: u64,
    offset_seconds: i32,
    last: Option<Instant>,
    text: String,
}

impl Stamp {
    pub fn rfc3339_nano() -> Stamp {
        Stamp::of(CsvTimeFormat::Rfc3339Nano)
    }

    pub fn of(format: CsvTimeFormat) -> Stamp {
        Stamp { format, zero_unix_ns: 0, offset_seconds: 0, last: None, text: String::new() }
    }

    pub fn set_clock(&mut self, zero_unix_ns: u64, offset_seconds: i32) {
        (self.zero_unix_ns, self.offset_seconds, self.last) = (zero_unix_ns, offset_seconds, None);
    }

    pub fn text(&mut self, at: Instant) -> &str {
        if self.last != Some(at) {
            self.last = Some(at);
            self.text = self.render(self.zero_unix_ns + at.0);
        }
        &self.text
    }

    fn render(&self, ns: u64) -> String {
        let second =
            WallTime { unix_seconds: (ns / 1_000_000_000) as i64, offset_seconds: self.offset_seconds };
        match self.format {
            CsvTimeFormat::Unix => (ns / 1_000_000_000).to_string(),
            CsvTimeFormat::UnixMilli => (ns / 1_000_000).to_string(),
            CsvTimeFormat::UnixMicro => (ns / 1_000).to_string(),
            CsvTimeFormat::UnixNano => ns.to_string(),
            CsvTimeFormat::Rfc3339 => second.rfc3339(),
            CsvTimeFormat::Rfc3339Nano => second.rfc3339_nano((ns % 1_000_000_000) as u32),
        }
    }
}
