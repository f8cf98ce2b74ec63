//! Goodput against offered load, in a few rows of blocks.

use super::quantity::rate;
use std::iter;

/// Columns and rows of the plot itself.
const WIDTH: usize = 60;
const HEIGHT: usize = 4;
/// Fewer points are no curve.
const POINTS_MIN: usize = 3;

/// What a plot is drawn with: a row's cell by how full it is, from empty to full; and its frame.
struct Ink {
    cells: &'static [char],
    side: char,
    corner: char,
    floor: char,
    tick: char,
}

const BLOCKS: Ink = Ink {
    cells: &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    side: '│',
    corner: '└',
    floor: '─',
    tick: '┴',
};
const ASCII: Ink = Ink { cells: &[' ', '.', ':', '#'], side: '|', corner: '+', floor: '-', tick: '^' };

/// Empty if there is too little to see. `points` are (offered, goodput), ascending; between them
/// the curve is a line, and before the first one it comes from 0. `mark` is ticked on the axis.
pub(super) fn render(points: &[(f64, f64)], mark: Option<f64>, unit: &str, blocks: bool) -> String {
    let highest = points.iter().map(|(_, goodput)| *goodput).fold(0.0, f64::max);
    let Some(&(most, _)) = points.last().filter(|_| points.len() >= POINTS_MIN && highest > 0.0) else {
        return String::new();
    };
    let ink = if blocks { &BLOCKS } else { &ASCII };
    let steps = ink.cells.len() - 1;
    let heights: Vec<usize> = (0..WIDTH)
        .map(|column| {
            let offered = (column as f64 + 0.5) / WIDTH as f64 * most;
            (goodput_at(points, offered) / highest * (HEIGHT * steps) as f64).round() as usize
        })
        .collect();
    let label = rate(highest);
    let indent = label.len().max("goodput".len());
    let mut text = format!("  {:>indent$}\n", "goodput");
    for row in 0..HEIGHT {
        let below = (HEIGHT - 1 - row) * steps;
        let cells = heights.iter().map(|height| ink.cells[height.saturating_sub(below).min(steps)]);
        let cells: String = cells.collect();
        let label = if row == 0 { &label[..] } else { "" };
        text += format!("  {label:>indent$} {}{cells}", ink.side).trim_end();
        text.push('\n');
    }
    let tick = mark.map(|mark| ((mark / most * WIDTH as f64) as usize).min(WIDTH - 1));
    let floor = (0..WIDTH).map(|column| if Some(column) == tick { ink.tick } else { ink.floor });
    text += &format!("  {:>indent$} {}{}\n", "0", ink.corner, floor.collect::<String>());
    let labels = axis_labels(mark.zip(tick), most);
    text += &format!("  {:indent$}  {labels} {unit} offered\n", "");
    text
}

fn goodput_at(points: &[(f64, f64)], offered: f64) -> f64 {
    let from_zero = iter::once((0.0, 0.0)).chain(points.iter().copied());
    let mut segments = from_zero.zip(points.iter().copied());
    let segment = segments.find(|(_, to)| offered <= to.0);
    let Some((from, to)) = segment else { return 0.0 };
    match to.0 - from.0 {
        width if width > 0.0 => from.1 + (to.1 - from.1) * (offered - from.0) / width,
        _ => to.1,
    }
}

/// The marked load under its tick, and the highest one at the right end; they never touch.
fn axis_labels(mark: Option<(f64, usize)>, most: f64) -> String {
    let end = rate(most);
    let Some((mark, tick)) = mark.filter(|(mark, _)| *mark < most) else { return format!("{end:>WIDTH$}") };
    let label = rate(mark);
    let room = WIDTH - end.len() - 1;
    let at = tick.saturating_sub(label.len() / 2).min(room.saturating_sub(label.len()));
    let rest = WIDTH - at - label.len();
    format!("{:at$}{label}{end:>rest$}", "")
}
