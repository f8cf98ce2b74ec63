//! One call of a script's function after the test: `handleSummary`, on the control thread.
//!
//! No worker and no network any more: timers and promises work, requests are refused.

use crate::metrics::{Recorder, RecorderBounds};
use crate::script::{Answer, Context, Iteration, LogQueue, Program, Response, Step, Wish};
use crate::sys::clock::{self, Clock};
use crate::time::Instant;
use std::time::Duration;

/// Runs `program` to its end; false if `timeout` came first: then it was interrupted.
pub fn call_to_end<P: Program>(program: &mut P, timeout: Duration, log: &mut LogQueue) -> bool {
    let clock = Clock::start();
    let until = clock.now() + timeout;
    // What it would measure belongs to no test.
    let mut recorder = Recorder::new(RecorderBounds { samples: 0, leaves: 1 });
    let mut wishes = Vec::new();
    let mut answers: Vec<Answer> = Vec::new();
    let mut wake_at = Instant::NEVER;
    let mut begun = false;
    loop {
        let now = clock.now();
        let mut context = Context { now, recorder: &mut recorder, log, wishes: &mut wishes };
        let answer = match answers.pop() {
            _ if now >= until => {
                program.cancel(&mut context);
                return false;
            }
            Some(answer) => Some(answer),
            None if begun && wake_at <= now => {
                wake_at = Instant::NEVER;
                Some(Answer::Woken)
            }
            None => None,
        };
        let step = match answer {
            None if !begun => {
                begun = true;
                program.start(&mut context, Iteration::default())
            }
            None => {
                clock::sleep(Duration::from_nanos(wake_at.min(until).since(now).min(10_000_000)));
                continue;
            }
            Some(answer) => program.resume(&mut context, answer),
        };
        for wish in wishes.drain(..) {
            match wish {
                Wish::WakeAt(at) => wake_at = at,
                Wish::Request(id, request) => {
                    let error = "requests cannot be made in handleSummary()".to_owned();
                    let response = Response {
                        url: request.target.url.clone(),
                        raw_error: error.clone(),
                        error,
                        error_code: 1000,
                        ..Response::default()
                    };
                    answers.push(Answer::Response(id, Box::new(response)));
                }
            }
        }
        match step {
            Step::Done => return true,
            Step::Yield => answers.push(Answer::Continue),
            Step::Wait | Step::Exchange(_) => {}
        }
    }
}
