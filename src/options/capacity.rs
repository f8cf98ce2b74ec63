//! How much the built-in target can do: a known capacity, what becomes of it under overload, and
//! pauses. Of the whole target, so flags set it and no query can.

use super::duration;
use std::time::Duration;

/// Above it nanoseconds no longer tell two requests apart.
pub const CAPACITY_MAX: u64 = 10_000_000;
/// Requests that may be set to wait; 8 bytes each.
pub const QUEUE_MAX: u64 = 1_000_000;

/// The default does whatever is asked of it, without a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CapacityOptions {
    /// Requests a second, 1..=`CAPACITY_MAX`; `None`: no limit, and then no queue nor collapse.
    pub per_second: Option<u64>,
    /// Requests that may wait, at most `QUEUE_MAX`; `None`: as many as are served in a second.
    pub queue: Option<u64>,
    /// The share of the capacity (0 < share < 1) that is left under overload.
    pub collapse: Option<f64>,
    /// How long there must be no queue until a collapsed capacity is whole again; `None`: it is as
    /// soon as the load is below the whole capacity.
    pub recover: Option<Duration>,
    pub pause: Option<Pause>,
}

/// The server stops for `length` at every `every`th request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub length: Duration,
    pub every: u64,
}

impl CapacityOptions {
    /// Sets one key from text; `false` if there is no such key. The error says why, without the key.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "capacity" => self.per_second = Some(number(value, 1, CAPACITY_MAX)?),
            "queue" => self.queue = Some(number(value, 0, QUEUE_MAX)?),
            "collapse" => self.collapse = Some(parse_collapse(value)?),
            "recover" => self.recover = Some(parse_recover(value)?),
            "pause" => self.pause = Some(parse_pause(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The first key that means nothing without another one, and that other one.
    pub fn first_without_ground(&self) -> Option<(&'static str, &'static str)> {
        let limited = self.per_second.is_some();
        let groundless = [
            (self.queue.is_some() && !limited, ("queue", "capacity")),
            (self.collapse.is_some() && !limited, ("collapse", "capacity")),
            (self.recover.is_some() && self.collapse.is_none(), ("recover", "collapse")),
        ];
        groundless.into_iter().find_map(|(is_so, keys)| is_so.then_some(keys))
    }

    /// Whether there is anything to limit.
    pub fn is_any(&self) -> bool {
        self.per_second.is_some() || self.pause.is_some()
    }

    /// The bound of the queue in force; `None` without a capacity.
    pub fn queue_bound(&self) -> Option<u64> {
        let per_second = self.per_second?;
        Some(self.queue.unwrap_or(per_second.min(QUEUE_MAX)))
    }
}

fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{text:?} is no whole number from {least} to {most}")),
    }
}

fn parse_collapse(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.001..1.0).contains(&share) => Ok(share),
        _ => Err(format!("{text:?} is no share of the capacity: write 0.001 or more, below 1")),
    }
}

fn parse_recover(text: &str) -> Result<Duration, String> {
    match duration::parse_go(text)? {
        ns @ 0.. => Ok(duration::from_ns(ns)),
        _ => Err(format!("the duration must not be negative, but is {text}")),
    }
}

/// `200ms:500`.
fn parse_pause(text: &str) -> Result<Pause, String> {
    let (length, every) = text
        .split_once(':')
        .ok_or_else(|| format!("{text:?} is no pause: write 200ms:500 for 200 ms at every 500th request"))?;
    Ok(Pause { length: duration::parse_positive(length)?, every: number(every, 1, u64::MAX)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options that these keys make, or why not; and what is said of keys without ground.
    #[track_caller]
    fn check(keys: &[(&str, &str)], want: Result<CapacityOptions, &str>) {
        let mut options = CapacityOptions::default();
        let set =
            keys.iter().try_for_each(|(key, value)| options.set(key, value).map(|known| assert!(known)));
        let got = set.and_then(|()| match options.first_without_ground() {
            Some((key, ground)) => Err(format!("{key} without {ground}")),
            None => Ok(options),
        });
        assert_eq!(got, want.map_err(str::to_owned));
    }

    #[test]
    fn keys_are_read_with_their_units() {
        let plain = CapacityOptions::default();
        check(&[], Ok(plain));
        let limited = CapacityOptions { per_second: Some(5000), ..plain };
        check(&[("capacity", "5000")], Ok(limited));
        check(&[("capacity", "5000"), ("queue", "0")], Ok(CapacityOptions { queue: Some(0), ..limited }));
        let collapsing = CapacityOptions { collapse: Some(0.5), ..limited };
        check(&[("capacity", "5000"), ("collapse", "0.5")], Ok(collapsing));
        let recover = Some(Duration::from_millis(1_500));
        check(
            &[("capacity", "5000"), ("collapse", "0.5"), ("recover", "1.5s")],
            Ok(CapacityOptions { recover, ..collapsing }),
        );
        let pause = Some(Pause { length: Duration::from_millis(200), every: 500 });
        check(&[("pause", "200ms:500")], Ok(CapacityOptions { pause, ..plain }));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        check(&[("capacity", "0")], Err("\"0\" is no whole number from 1 to 10000000"));
        check(&[("capacity", "5k")], Err("\"5k\" is no whole number from 1 to 10000000"));
        check(&[("queue", "-1")], Err("\"-1\" is no whole number from 0 to 1000000"));
        check(&[("collapse", "1")], Err("\"1\" is no share of the capacity: write 0.001 or more, below 1"));
        check(&[("recover", "-1s")], Err("the duration must not be negative, but is -1s"));
        check(
            &[("pause", "200ms")],
            Err("\"200ms\" is no pause: write 200ms:500 for 200 ms at every 500th request"),
        );
        check(&[("pause", "1s:0")], Err("\"0\" is no whole number from 1 to 18446744073709551615"));
    }

    #[test]
    fn a_key_without_ground_is_named_with_the_key_it_lacks() {
        check(&[("queue", "1")], Err("queue without capacity"));
        check(&[("collapse", "0.5")], Err("collapse without capacity"));
        check(&[("capacity", "5"), ("recover", "1s")], Err("recover without collapse"));
    }

    #[test]
    fn the_queue_holds_a_second_of_capacity_unless_told() {
        let bound = |per_second, queue| {
            CapacityOptions { per_second, queue, ..CapacityOptions::default() }.queue_bound()
        };
        assert_eq!(bound(None, None), None);
        assert_eq!(bound(Some(5000), None), Some(5000));
        assert_eq!(bound(Some(CAPACITY_MAX), None), Some(QUEUE_MAX));
        assert_eq!(bound(Some(5000), Some(7)), Some(7));
    }
}
