//! Who broke first: the diagnosis at the load that failed, held against the probe.

use super::Context;
use super::quantity::{rate, share};
use crate::diagnosis::{Diagnosis, Side, Who};
use crate::output::style::{Look, Paint};
use crate::output::verdict;
use crate::search::answer::{Finding, Probe};
use crate::search::{Answer, Handicap};

/// The headline and what it rests on, or nothing if nobody looked.
pub(super) fn render(
    answer: &Answer,
    diagnosis: Option<&Diagnosis>,
    context: &Context,
    paint: Paint,
) -> String {
    let probed = answer.probe.map(|probe| probe_text(&probe, context.settings.probe));
    let Some(diagnosis) = diagnosis else {
        let line = |probed| format!("{}  {probed}\n", paint.text(Look::Bold, "PROBE"));
        return probed.map_or(String::new(), line);
    };
    let grounds: Vec<String> =
        [Some(verdict::confidence_words(&diagnosis.verdict)), probed].into_iter().flatten().collect();
    let mut text = format!(
        "{}  {}   {}\n",
        paint.text(Look::Bold, "BROKE FIRST"),
        paint.text(look(answer, diagnosis), &headline(answer, diagnosis)),
        paint.text(Look::FaintWhite, &format!("({})", grounds.join(", "))),
    );
    for (place, facts) in verdict::facts(diagnosis) {
        text +=
            &format!("  {} {}\n", paint.text(Look::FaintWhite, &format!("{place:<11}")), facts.join(", "));
    }
    text
}

fn look(answer: &Answer, diagnosis: &Diagnosis) -> Look {
    match (diagnosis.verdict.who.side(), &answer.limit) {
        (Side::Nobody, Finding::NotReached { .. }) => Look::Green,
        _ => Look::Red,
    }
}

/// Never the application alone if a weaker generator does worse at the same load.
pub(super) fn headline(answer: &Answer, diagnosis: &Diagnosis) -> String {
    let side = diagnosis.verdict.who.side();
    let is_ours = matches!(side, Side::Generator | Side::SharedHost);
    match answer.probe {
        Some(probe) if probe.generator_matters && !is_ours => {
            "not clear: the generator is a part of the limit, as the probe shows".to_owned()
        }
        _ if diagnosis.verdict.who == Who::Nobody && has_failed(answer) => {
            "not clear: a goal was missed, and no check says why".to_owned()
        }
        _ => verdict::headline(diagnosis),
    }
}

fn has_failed(answer: &Answer) -> bool {
    matches!(answer.limit, Finding::Found(_) | Finding::Below { .. })
}

/// `probe: 30% more CPU a request 41,800 = as usual 41,900`; `<` or `>` where the generator matters.
pub(super) fn probe_text(probe: &Probe, handicap: Option<Handicap>) -> String {
    let (without, with) = probe.goodput;
    let worse = match handicap {
        Some(Handicap { burn_share }) => format!("{} more CPU a request", share(burn_share)),
        None => "a weaker generator".to_owned(),
    };
    let compares = match with < without {
        _ if !probe.generator_matters => "=",
        true => "<",
        false => ">",
    };
    format!("probe: {worse} {} {compares} as usual {}", rate(with), rate(without))
}
