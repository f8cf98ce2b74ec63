//! What was measured: recorded by workers in leaves, merged on the control thread.
//!
//! A **leaf** is one full tag set. A worker's `Recorder` appends to leaves (data plane: no lock,
//! no hash, no formatting); every tick it hands a `Window` over. `Totals` absorbs windows and
//! makes the `Summary`. A trend keeps up to 65,536 exact values, then spills into a histogram.

pub mod builtin;
pub mod error_code;
pub mod leaf;
pub mod recorder;
pub mod report;
pub mod served;
pub mod summary;
pub mod totals;
pub mod trend;
pub mod window;

pub use builtin::Builtin;
pub use leaf::{ExchangeTags, LeafId, ScenarioTags, TagSet};
pub use recorder::{ExchangeTiming, Recorder, RecorderBounds};
pub use report::{Sink, SummaryScope};
pub use summary::Summary;
pub use totals::{Live, Totals};
pub use trend::Trend;
pub use window::Window;
