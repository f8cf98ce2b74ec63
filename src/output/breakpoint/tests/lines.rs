//! Lines while a search goes on, remarks, and columns of small and large rates.

use super::super::{loads, remarks};
use super::*;
use crate::output::style::Paint;

#[test]
fn each_trial_is_a_line_and_columns_keep_their_places() {
    let unknown = Finding::Unknown;
    let invalid = invalid(trial(Purpose::Bracket, 41.0, 5_000_000.0), "a worker was 97.2% busy");
    let tainted = Trial { standing: Standing::Tainted, ..trial(Purpose::Bracket, 43.5, 1.25) };
    let lines = [
        render_trial_line(&trial(Purpose::WarmUp, 3.0, 2_300.0), &unknown),
        render_trial_line(&trial(Purpose::Range, 12.0, 41_900.0), &not_reached(Ceiling::MaxTime).limit),
        render_trial_line(&failed(trial(Purpose::Bracket, 32.5, 42_700.0), 0.19), &found().limit),
        render_trial_line(&invalid, &found().limit),
        render_trial_line(&tainted, &found().limit),
        render_trial_line(
            &failed(trial(Purpose::Overload { factor: 1.25 }, 1_093.0, 52_375.0), 0.39),
            &found().limit,
        ),
        render_trial_line(&failed(trial(Purpose::Range, 9.0, 1.0), 1.0), &Finding::Below { rate: 1.0 }),
    ];
    assert_eq!("\n".to_owned() + &lines.concat(), "
   3.0s  warm-up            2,300/s  goodput     2,300  p99     480ms  failed     0%
  12.0s  range             41,900/s  goodput    41,900  p99     480ms  failed     0%  pass  (>= 61,000)
  32.5s  bracket           42,700/s  goodput    34,587  p99     480ms  failed   1.9%  fail  (between 41,900 and 42,700)
  41.0s  bracket        5,000,000/s  goodput 5,000,000  p99     480ms  failed     0%  invalid: a worker was 97.2% busy
  43.5s  bracket             1.25/s  goodput      1.25  p99     480ms  failed     0%  discarded: what the trial before left behind was still there
1093.0s  overload 1.25x     52,375/s  goodput    31,949  p99     480ms  failed   3.9%  fail  (between 41,900 and 42,700)
   9.0s  range                  1/s  goodput         0  p99     480ms  failed     0%  fail  (< 1)
");
}

#[test]
fn the_status_is_what_is_known_so_far() {
    let status = |limit: Finding, trials: usize| {
        let answer = Answer { limit, trials: found().trials[..trials].to_vec(), ..found() };
        render_status(&answer)
    };
    assert_eq!(status(Finding::Unknown, 1), "looking for the range, 1 trial in 3m12s");
    assert_eq!(status(found().limit, 4), "limit between 41,900 and 42,700 req/s, 4 trials in 3m12s");
    let at_least = not_reached(Ceiling::MaxTime).limit;
    assert_eq!(status(at_least, 2), "limit >= 61,000 req/s, 2 trials in 3m12s");
}

#[test]
fn each_remark_is_one_sentence() {
    let all = [
        Remark::DefaultGoals,
        Remark::Irregular { lower: 33_000.0, upper: 46_090.0 },
        Remark::LossInversion { failed: 42_700.0, passed_above: 46_090.0 },
        Remark::CannotResolve { goal: 0, floor: 0.06 },
        Remark::OutOfTime { skipped: Skipped::Overload },
        Remark::Noisy { lowest: 41_900.0, highest: 42_700.0 },
        Remark::DidNotDrain { offered: 62_850.0 },
    ];
    let sentences: Vec<String> =
        all.iter().map(|remark| remarks::sentence(remark, &found(), &context()) + "\n").collect();
    assert_eq!(sentences.concat(), "\
There are no thresholds and no --goal, so the default goals are in force: at most 0.1% errors, and a p(99) within ten times the unloaded one or 100ms
Between 33,000 and 46,090 req/s trials did not agree: the bracket is wider than 4% of the limit
46,090 req/s passed, though 42,700 failed: the lower one counts
A trial at the limit has too few requests for the goal http_req_duration: p(95)<500: it can tell 6% lost from none, and no less
--max-time 10m0s was over before all overloads were tried
From 41,900 to 42,700 req/s alike trials both passed and failed: what the target bears differs from moment to moment
After 62,850 req/s the target did not come to rest: what was measured next may be too low
");
}

#[test]
fn columns_hold_rates_from_one_to_five_millions() {
    let row =
        |offered: f64, counts| load(offered, offered * 0.998, latency(0.03, 0.2, 1.0), 0.000_03, counts);
    let rates = [1.0, 9.75, 48.5, 1_010.9, 61_000.0, 5_000_000.0];
    let loads = rates.map(|rate| row(rate, (1, 2, 10))).to_vec();
    let answer = Answer { loads, ..found() };
    assert_eq!(
        loads::render(&answer, Paint { colors: false }),
        "    offered    goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
          1          1    0.03    0.20     1.0  <0.01%   2/10  undecided
       9.75       9.73    0.03    0.20     1.0  <0.01%   2/10  undecided
       48.5       48.4    0.03    0.20     1.0  <0.01%   2/10  undecided
      1,011      1,009    0.03    0.20     1.0  <0.01%   2/10  undecided
     61,000     60,878    0.03    0.20     1.0  <0.01%   2/10  undecided
  5,000,000  4,990,000    0.03    0.20     1.0  <0.01%   2/10  undecided
"
    );
}
