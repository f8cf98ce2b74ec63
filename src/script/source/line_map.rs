//! From positions in the text that the engine compiled to positions in the text the user wrote.

/// All lines and columns are counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineMap {
    /// Ascending by place in the compiled text. None: nothing moved.
    points: Vec<Point>,
    /// Columns put before the first line.
    indent: u32,
}

/// The start of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub compiled: (u32, u32),
    pub source: (u32, u32),
}

impl LineMap {
    pub fn new(points: Vec<Point>) -> LineMap {
        debug_assert!(points.is_sorted_by_key(|point| point.compiled));
        LineMap { points, indent: 0 }
    }

    /// For a text that got a prefix on its first line after it was mapped.
    pub fn indented(self, indent: u32) -> LineMap {
        LineMap { indent: self.indent + indent, ..self }
    }

    /// Line and column in the user's text; of the token there, if tokens moved.
    pub fn source_position(&self, line: u32, column: u32) -> (u32, u32) {
        let column = if line == 1 { column.saturating_sub(self.indent).max(1) } else { column };
        let after = self.points.partition_point(|point| point.compiled <= (line, column));
        match after.checked_sub(1) {
            Some(place) => self.points[place].source,
            None => (line, column),
        }
    }
}
