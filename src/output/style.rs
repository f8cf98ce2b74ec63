//! Colours, and the width of text on a terminal line.

use unicode_normalization::UnicodeNormalization;

/// The looks that k6 uses; a look is one ANSI sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Bold,
    Cyan,
    Green,
    Red,
    White,
    FaintCyan,
    FaintWhite,
    /// Faint without a colour; in bars, where k6 ends nothing but the faintness.
    Faint,
}

impl Look {
    fn codes(self) -> &'static str {
        match self {
            Look::Bold => "1",
            Look::Cyan => "36",
            Look::Green => "32",
            Look::Red => "31",
            Look::White => "37",
            Look::FaintCyan => "2;36",
            Look::FaintWhite => "2;37",
            Look::Faint => "2",
        }
    }
}

/// Paints text, or leaves it plain where colours are not wanted.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    pub colors: bool,
}

impl Paint {
    pub fn text(self, look: Look, text: &str) -> String {
        if !self.colors {
            return text.to_owned();
        }
        let end = if look == Look::Faint { "22" } else { "0" };
        format!("\x1b[{}m{text}\x1b[{end}m", look.codes())
    }
}

/// Makes text fit for a terminal that shows a progress block: each line erases the rest of its row.
pub fn erase_line_ends(text: &str) -> String {
    text.replace('\n', "\x1b[0K\n")
}

/// Columns that `text` is taken to fill: code points after NFKC, ANSI sequences not counted.
pub fn width(text: &str) -> usize {
    enum At {
        Text,
        Escape,
        Sequence,
    }
    let mut at = At::Text;
    let mut width = 0;
    for c in text.nfkc() {
        at = match (at, c) {
            (_, '\x1b') => At::Escape,
            (At::Escape, '[') => At::Sequence,
            (At::Escape, '\x40'..='\x5f') | (At::Sequence, '\x40'..='\x7e') => At::Text,
            (At::Text, _) => {
                width += 1;
                At::Text
            }
            (inside, _) => inside,
        };
    }
    width
}

/// The spaces that bring `text` to `wanted` columns.
pub fn padding(text: &str, wanted: usize) -> String {
    " ".repeat(wanted.saturating_sub(width(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: usize) {
        assert_eq!(width(text), want, "{text:?}");
    }

    #[test]
    fn a_code_point_is_one_column() {
        check("780.03µs", 8);
        check("", 0);
        check("日本", 2);
    }

    #[test]
    fn composed_and_decomposed_letters_are_as_wide() {
        check("é", 1);
        check("e\u{301}", 1);
        check("ﬁ", 2);
    }

    #[test]
    fn ansi_sequences_have_no_width() {
        check("\x1b[2;36mmin=1\x1b[0m", 5);
        check("a\x1bMb", 2);
    }

    #[test]
    fn plain_paint_changes_nothing() {
        assert_eq!(Paint { colors: false }.text(Look::Bold, "x"), "x");
        assert_eq!(Paint { colors: true }.text(Look::FaintWhite, "..:"), "\x1b[2;37m..:\x1b[0m");
    }
}
