//! The report at the end of a search.

use super::quantity::{Unit, rate, share, span, time};
use super::{Context, advice, broke, limit, loads, plot, remarks};
use crate::diagnosis::Diagnosis;
use crate::output::style::{Look, Paint, padding};
use crate::search::Answer;
use crate::search::answer::{Behaviour, Confirmed, ErrorOnset, Overload, Recovery};

/// Several lines. `diagnosis` is of the upper bound, or of the trials that were invalid if the
/// generator ran out first.
pub fn render_report(
    answer: &Answer,
    diagnosis: Option<&Diagnosis>,
    context: &Context,
    colors: bool,
) -> String {
    let paint = Paint { colors };
    let mut text = limit_lines(answer, diagnosis, context, paint);
    text += &broke::render(answer, diagnosis, context, paint);
    for line in [&confirmed(answer)[..], &curve(answer), &recovery(answer)] {
        text += &labelled(line, paint);
    }
    for sentence in remarks::sentences(answer, context) {
        text += &format!("{}\n", paint.text(Look::Red, &format!("! {sentence}")));
    }
    text += &loads::render(answer, paint);
    let valid = answer.loads.iter().filter(|load| load.valid > 0);
    let points: Vec<(f64, f64)> = valid.map(|load| (load.offered, load.goodput)).collect();
    text += &plot::render(&points, loads::marked(answer), Unit::of(answer).name(), context.blocks);
    if context.blocks { text } else { text.replace('µ', "u") }
}

fn limit_lines(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context, paint: Paint) -> String {
    let line = limit::line(answer, context);
    let look = if line.is_found { Look::Green } else { Look::Red };
    // `LIMIT >= 61,000`, and `LIMIT  41,900`.
    let gap = if line.figure.starts_with(['<', '>']) { " " } else { "  " };
    let label = paint.text(Look::Bold, line.label);
    let mut text = format!("{label}{gap}{}{}\n", paint.text(look, &line.figure), line.grounds);
    if let Some(advice) = advice::advice(answer, diagnosis, context) {
        text += &labelled(&[("TRY", advice)], paint);
    }
    let goals = limit::goals(answer);
    let widest = goals.iter().map(|(goal, _)| goal.chars().count()).max().unwrap_or(0);
    if !goals.is_empty() {
        text += &format!("{}\n", paint.text(Look::Bold, "GOALS"));
    }
    for (goal, found) in goals {
        text += &format!("  {goal}{}  {found}\n", padding(&goal, widest));
    }
    text
}

/// One line of labels and what they say; none if there are none.
fn labelled(parts: &[(&str, String)], paint: Paint) -> String {
    let parts = parts.iter().map(|(label, said)| format!("{}  {said}", paint.text(Look::Bold, label)));
    match parts.collect::<Vec<_>>().join("   ") {
        line if line.is_empty() => line,
        line => line + "\n",
    }
}

fn confirmed(answer: &Answer) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    if let Confirmed::Yes { rate: held, after_failures } = answer.confirmed {
        let long =
            limit::confirmed_for(answer, held).map_or(String::new(), |long| format!("{} ", span(long)));
        let failures = match after_failures {
            0 => String::new(),
            1 => " (a long trial above failed)".to_owned(),
            n => format!(" ({n} long trials above failed)"),
        };
        parts.push(("CONFIRMED", format!("{long}at {}{failures}", rate(held))));
    }
    if let Some(baseline) = answer.baseline.filter(|baseline| !baseline.latency.p99.is_zero()) {
        let (p50, p99) = (time(baseline.latency.p50), time(baseline.latency.p99));
        parts.push(("UNLOADED", format!("p50 {p50}, p99 {p99}")));
    }
    parts
}

fn curve(answer: &Answer) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    if let Some(text) = knee(answer) {
        parts.push(("KNEE", text));
    }
    match answer.error_onset {
        ErrorOnset::Unknown => {}
        ErrorOnset::Between { failing, .. } => parts.push(("ERRORS START", rate(failing))),
        ErrorOnset::NoneUpTo(highest) => parts.push(("ERRORS START", format!("above {}", rate(highest)))),
    }
    if let Some(text) = answer.overload.as_ref().and_then(overloaded) {
        parts.push(("AT 1.5x LOAD", text));
    }
    parts
}

/// Fewer loads have no knee between them.
const LOADS_MIN: usize = 3;

/// Kleinrock's power says where; the break of goodput beside it, as another answer to the question.
fn knee(answer: &Answer) -> Option<String> {
    let unit = Unit::of(answer).name();
    let at = answer.knee.power?;
    let valid = || answer.loads.iter().filter(|load| load.valid > 0);
    if valid().count() < LOADS_MIN {
        return None;
    }
    if valid().next_back().is_some_and(|load| load.offered == at) {
        return Some(format!("above {} {unit}", rate(at)));
    }
    let load = answer.loads.iter().find(|load| load.offered == at);
    let mut grounds: Vec<String> =
        load.map(|load| format!("p95 {}", time(load.latency.p95))).into_iter().collect();
    grounds.extend(answer.knee.break_of_goodput.map(|bend| format!("goodput bends at {}", rate(bend))));
    Some(format!("{} {unit} ({})", rate(at), grounds.join("; ")))
}

fn overloaded(overload: &Overload) -> Option<String> {
    let step = overload.steps.iter().find(|step| step.factor == 1.5 && step.valid)?;
    let kept = overload.kept_at_1_5?;
    let words = match overload.behaviour? {
        Behaviour::Plateau => "holds",
        Behaviour::Degrading => "degrades, no collapse",
        Behaviour::Collapsing => "collapses",
    };
    Some(format!("goodput {} ({} of the most: {words})", rate(step.goodput), share(kept)))
}

fn recovery(answer: &Answer) -> Vec<(&'static str, String)> {
    let text = match answer.recovery {
        None => return Vec::new(),
        Some(Recovery::After { rate: at, time }) => {
            format!("{} after load returned to {}", span(time), rate(at))
        }
        Some(Recovery::Metastable { rate: at, waited }) => format!(
            "none: metastable, still failing {} after load returned to {}, below the limit",
            span(waited),
            rate(at)
        ),
    };
    vec![("RECOVERY", text)]
}
