//! What was measured: recorded by workers in leaves, merged on the control thread.
//!
//! A **leaf** is one full tag set. A worker's `Recorder` appends to leaves (data plane: no lock,
//! no hash, no formatting); every tick it hands a `Window` over. `Totals` absorbs windows and
//! makes the `Summary`. A trend keeps up to 65,536 exact values, then spills into a histogram.
//! What a script declares is in the run's `Registry`; what it demands, in its `Thresholds`.

pub mod builtin;
pub mod error_code;
pub mod errors;
pub mod judged;
pub mod leaf;
pub mod numbers;
pub mod recorder;
pub mod registry;
pub mod report;
pub mod served;
pub mod sink;
pub mod summary;
pub mod tally;
pub mod threshold;
pub mod timeline;
pub mod totals;
pub mod traces;
mod tree;
pub mod trend;
pub mod trials;
pub mod window;

pub use builtin::{Builtin, Kind};
pub use errors::{ErrorKind, Errors};
pub use judged::{JudgedSample, Verdict};
pub use leaf::{CheckTags, ExchangeTags, LeafId, SampleTags, TagSet};
pub use numbers::Numbers;
pub use recorder::{ExchangeTiming, Recorder, RecorderBounds};
pub use registry::{MetricDefinition, MetricId, Registry};
pub use report::SummaryScope;
pub use sink::Sink;
pub use summary::Summary;
pub use tally::{Ending, Ladder, Tally};
pub use threshold::{Crossed, Thresholds};
pub use timeline::Timeline;
pub use totals::{Live, Totals};
pub use traces::{Trace, TracedLeaf, Traces};
pub use trend::Trend;
pub use trials::{Goal, TrialCounts, Trials};
pub use window::Window;
