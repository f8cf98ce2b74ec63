//! `--stage 30s:10`, or a script's `stages`: the legs of a ramp as written, and as validated.

use super::duration;
use super::go::parse_env_int;
use super::scenario::Stage;

/// k6 refuses more VUs than this.
const TARGET_MAX: i64 = 100_000_000;

/// One leg as written: either half may be missing until it is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageText {
    pub duration_ns: Option<i64>,
    pub target: Option<i64>,
}

/// Entries of `--stage` or `K6_STAGES`, each `duration:target`.
pub fn parse_stages(entries: &[String]) -> Result<Vec<StageText>, String> {
    let parse = |(index, entry): (usize, &String)| {
        let stage = parse_stage(entry).map_err(|why| format!("error for stage {index}: {why}"))?;
        match stage.duration_ns {
            Some(_) => Ok(stage),
            None => Err(format!("stage {index} doesn't have a specified duration")),
        }
    };
    entries.iter().enumerate().map(parse).collect()
}

fn parse_stage(entry: &str) -> Result<StageText, String> {
    let (duration, target) = match entry.split_once(':') {
        Some((duration, target)) => (duration, Some(target)),
        None => (entry, None),
    };
    Ok(StageText {
        duration_ns: (!duration.is_empty()).then(|| duration::parse_go(duration)).transpose()?,
        target: target.filter(|target| !target.is_empty()).map(parse_env_int).transpose()?,
    })
}

/// The validated legs of a ramp, or every problem k6 would name.
pub fn validate_stages(stages: &[StageText]) -> Result<Vec<Stage>, Vec<String>> {
    let mut problems = Vec::new();
    if stages.is_empty() {
        problems.push("at least one stage has to be specified".to_owned());
    }
    for (number, stage) in (1..).zip(stages) {
        match stage.duration_ns {
            None => problems.push(format!("stage {number} doesn't have a duration")),
            Some(..0) => problems.push(format!("the duration for stage {number} can't be negative")),
            Some(_) => {}
        }
        match stage.target {
            None => problems.push(format!("stage {number} doesn't have a target")),
            Some(..0) => problems.push(format!("the target for stage {number} can't be negative")),
            Some(_) => {}
        }
    }
    let total = stages.iter().try_fold(0i64, |sum, stage| sum.checked_add(stage.duration_ns.unwrap_or(0)));
    if total.is_none() {
        problems.push("the stages together last longer than 292 years".to_owned());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let valid = |stage: &StageText| Stage {
        duration: duration::from_ns(stage.duration_ns.unwrap_or(0)),
        target: stage.target.unwrap_or(0) as u64,
    };
    Ok(stages.iter().map(valid).collect())
}

/// k6's limits of a ramp of VUs.
pub fn validate_targets(start_vus: i64, stages: &[StageText]) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    if start_vus > TARGET_MAX {
        problems.push(format!("the startVUs exceed max limit of {TARGET_MAX}"));
    }
    for (number, stage) in (1..).zip(stages) {
        if stage.target > Some(TARGET_MAX) {
            problems.push(format!("target for stage {number} exceeds max limit of {TARGET_MAX}"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[track_caller]
    fn check(entries: &[&str], want: Result<&[(u64, u64)], &str>) {
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        let got = parse_stages(&entries)
            .and_then(|stages| validate_stages(&stages).map_err(|problems| problems.join(", ")));
        let want = want.map_err(str::to_owned).map(|stages| {
            let stage =
                |&(seconds, target): &(u64, u64)| Stage { duration: Duration::from_secs(seconds), target };
            stages.iter().map(stage).collect::<Vec<_>>()
        });
        assert_eq!(got, want, "{entries:?}");
    }

    #[test]
    fn stages_are_durations_and_targets() {
        check(&["30s:10", "1m:0"], Ok(&[(30, 10), (60, 0)]));
        check(&["0s:10"], Ok(&[(0, 10)]));
        check(&[":10"], Err("stage 0 doesn't have a specified duration"));
        check(&["1s:1", "10"], Err("error for stage 1: time: missing unit in duration \"10\""));
        check(&["10s:x"], Err("error for stage 0: strconv.ParseInt: parsing \"x\": invalid syntax"));
        check(&["10s:2.5"], Err("error for stage 0: strconv.ParseInt: parsing \"2.5\": invalid syntax"));
        check(&["30s"], Err("stage 1 doesn't have a target"));
        check(
            &["1s:1", "-1s:-1"],
            Err("the duration for stage 2 can't be negative, the target for stage 2 can't be negative"),
        );
        check(&[], Err("at least one stage has to be specified"));
        check(&["2500000h:1", "2500000h:1"], Err("the stages together last longer than 292 years"));
    }
}
