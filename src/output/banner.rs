//! The banner before a run.

use crate::output::style::{Look, Paint};

const BANNER: &str = r"
       o              |                 |
  .--  .  .--.  .--.  |  .--.  .--.  .--|
  |    |  |  |  |  |  |  |  |  |  |  |  |
  '    '  '  '  '--|  '  '--'  '--|  '--'
                '--'";

/// Five lines between two empty ones, as far as k6's own banner reaches.
pub fn render_banner(colors: bool) -> String {
    format!("\n{}\n\n", Paint { colors }.text(Look::Cyan, BANNER.trim_start_matches('\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_is_five_lines_between_empty_ones() {
        let banner = render_banner(false);
        assert_eq!(banner.lines().filter(|line| !line.trim().is_empty()).count(), 5);
        assert!(banner.starts_with("\n ") && banner.ends_with("'\n\n"), "{banner}");
    }
}
