//! The whole answer as JSON.

use super::Context;
use crate::diagnosis::Diagnosis;
use crate::search::Answer;
use serde_json::json;

/// One document, with a newline at its end.
pub fn render_json(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context) -> String {
    let _ = diagnosis;
    let mut text = json!({ "target": context.target, "trials": answer.trials.len() }).to_string();
    text.push('\n');
    text
}
