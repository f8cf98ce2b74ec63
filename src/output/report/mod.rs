//! The JSON of a timeline in, one HTML page out: it opens offline, and draws itself.
//!
//! `document` reads the timeline, `charts` says what is drawn, `thinning` makes an hour as small as a
//! minute; `page` writes the bytes. Style and script are files of our own beside this one. The page
//! forbids itself any network (Content-Security-Policy).
//!
//! R1. Whatever comes from the document reaches the page through `page::escape` (text) or
//!     `page::embed` (data for the script), and the script sets text, never HTML.

mod charts;
mod document;
mod page;
mod thinning;

/// Points of a line, at most: more than a screen has columns for.
pub const POINTS_MAX: usize = 1_500;

/// `timeline`: what `output::timeline` wrote. `Err` says what is wrong with it, and how to mend it.
pub fn render_report(timeline: &str) -> Result<Vec<u8>, String> {
    let document = document::parse(timeline)?;
    Ok(page::render(&document).into_bytes())
}

#[cfg(test)]
mod tests;
