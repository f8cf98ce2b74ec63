//! The report at the end of a search.

use super::Context;
use crate::diagnosis::Diagnosis;
use crate::search::Answer;

/// Several lines. `diagnosis` is of the upper bound, or of the trials that were invalid if the
/// generator ran out first.
pub fn render_report(
    answer: &Answer,
    diagnosis: Option<&Diagnosis>,
    context: &Context,
    colors: bool,
) -> String {
    let _ = (diagnosis, context, colors);
    format!("LIMIT  {:?}\n", answer.limit)
}
