//! Summary and progress in, bytes out. Nothing here reads a clock, a file or the environment.
//!
//! `text` and `legacy` print the end-of-test summary in k6's forms, `json` is `--summary-export`,
//! `summary_data` what a script's `handleSummary` is given, `machine_summary` k6's new form of the
//! export; `samples` is every sample as text; `compare` sets two summaries side by side; `report`
//! makes a page of a timeline; `banner`, `header`, `progress` and `log` are what stands around it;
//! `engine`, `verdict`, `timeline`, `breakpoint`, `junit`, `markdown` and `served` are ours. Whether
//! colours are wanted, the width of the terminal and the wall time are arguments.

pub mod banner;
pub mod breakpoint;
pub mod compare;
pub mod engine;
pub mod errors;
pub mod header;
pub mod json;
pub mod junit;
pub mod log;
pub mod machine_summary;
pub mod markdown;
pub mod number;
pub mod outage;
pub mod progress;
pub mod ramp;
pub mod report;
pub mod samples;
pub mod served;
pub mod style;
pub mod summary_data;
pub mod text;
pub mod timeline;
pub mod verdict;

mod collation;
mod fixed_width;
mod legacy;
mod md5;
mod table;
