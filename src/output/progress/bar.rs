//! One line with a bar, and how several of them line up.

use super::Status;
use crate::output::style::{Look, Paint};

/// Width of a bar with its brackets, where the terminal has room for it.
pub const WIDTH_MAX: usize = 40;
/// At this width and below, a percentage says more.
const WIDTH_MIN: usize = 8;
const LABEL_MAX: usize = 30;
/// k6 counts the label of its first line even when that line has no bar.
const FIRST_LABEL: &str = "Init";

pub struct Bar {
    pub label: String,
    pub status: Status,
    /// 0 to 1.
    pub share: f64,
    /// Texts at the right of the bar.
    pub columns: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[  42% ]`
    Percent,
    /// `[====>-----]` of this width.
    Cells(usize),
}

impl Form {
    pub fn fitting(width: usize) -> Form {
        if width <= WIDTH_MIN { Form::Percent } else { Form::Cells(width) }
    }
}

/// The bars' lines with labels and columns aligned.
pub fn lines(bars: &[Bar], form: Form, paint: Paint) -> Vec<String> {
    let labels: Vec<String> = bars.iter().map(|bar| shortened(&bar.label)).collect();
    let label_width = labels.iter().map(|l| l.chars().count()).fold(FIRST_LABEL.len(), usize::max);
    let widths = column_widths(bars);
    let line = |(bar, label): (&Bar, &String)| {
        let (mark, look) = bar.status.mark();
        let mark = look.map_or(mark.to_owned(), |look| paint.text(look, mark));
        let mut line = format!("{label:label_width$} {mark} {}", bar_text(bar.share, form, paint));
        for (text, width) in bar.columns.iter().zip(&widths) {
            line += &format!(" {text:width$}");
        }
        line
    };
    bars.iter().zip(&labels).map(line).collect()
}

/// A column is one wider than its longest text; the last text of a line, after which nothing
/// stands, does not count.
fn column_widths(bars: &[Bar]) -> Vec<usize> {
    let count = bars.iter().map(|bar| bar.columns.len()).max().unwrap_or(0);
    let longest = |at: usize| {
        let inner = bars.iter().filter(|bar| at + 1 < bar.columns.len());
        inner.map(|bar| bar.columns[at].chars().count()).max().unwrap_or(0)
    };
    (0..count).map(|at| longest(at) + 1).collect()
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_MAX {
        return label.to_owned();
    }
    label.chars().take(LABEL_MAX - 3).chain("...".chars()).collect()
}

fn bar_text(share: f64, form: Form, paint: Paint) -> String {
    let share = share.clamp(0.0, 1.0);
    let Form::Cells(width) = form else {
        return format!("[ {:3.0}% ]", share * 100.0);
    };
    let cells = width - 2;
    let filled = (cells as f64 * share) as usize;
    let head = if filled == 0 || filled == cells { "=".repeat(filled) } else { "=".repeat(filled - 1) + ">" };
    // Painted even if there is no rest, as k6 does.
    format!("[{head}{}]", paint.text(Look::Faint, &"-".repeat(cells - filled)))
}
