//! What is shown while a search goes on.

use crate::search::answer::Trial;
use crate::search::{Answer, Finding};

/// One line with its newline for a trial that ended. `limit` is `Answer::limit` after it.
pub fn render_trial_line(trial: &Trial, limit: &Finding) -> String {
    format!("{}  {:.0}/s  {limit:?}\n", trial.purpose.name(), trial.offered)
}

/// What is known so far, in one line without a newline.
pub fn render_status(answer: &Answer) -> String {
    format!("{:?}", answer.limit)
}
