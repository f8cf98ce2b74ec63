//! Statistics of a trend that a user may ask for: `avg,min,med,max,count,p(N)`.

use std::fmt;

/// One entry of `summaryTrendStats`.
#[derive(Clone, Debug, PartialEq)]
pub enum TrendStat {
    Avg,
    Min,
    Med,
    Max,
    Count,
    /// `percent` in 0..=100; `text` as the user wrote it, e.g. `p(99.9)`.
    Percentile {
        percent: f64,
        text: String,
    },
}

impl TrendStat {
    /// k6's default: `avg,min,med,max,p(90),p(95)`.
    pub fn defaults() -> Vec<TrendStat> {
        let p = |percent: f64| TrendStat::Percentile { percent, text: format!("p({percent})") };
        vec![TrendStat::Avg, TrendStat::Min, TrendStat::Med, TrendStat::Max, p(90.0), p(95.0)]
    }

    /// Parses one entry; the error is k6's text (exit status 255 there).
    pub fn parse(text: &str) -> Result<TrendStat, String> {
        let text = text.trim();
        match text {
            "avg" => return Ok(TrendStat::Avg),
            "min" => return Ok(TrendStat::Min),
            "med" => return Ok(TrendStat::Med),
            "max" => return Ok(TrendStat::Max),
            "count" => return Ok(TrendStat::Count),
            _ => {}
        }
        let inner = text
            .strip_prefix("p(")
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or_else(|| format!("invalid trend stat '{text}', unknown format"))?;
        match inner.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => {
                Ok(TrendStat::Percentile { percent, text: text.to_owned() })
            }
            _ => Err(format!(
                "invalid percentile trend stat value '{text}', provide a number between 0 and 100"
            )),
        }
    }
}

/// The user's own text: the key in summaries and exports.
impl fmt::Display for TrendStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrendStat::Avg => "avg",
            TrendStat::Min => "min",
            TrendStat::Med => "med",
            TrendStat::Max => "max",
            TrendStat::Count => "count",
            TrendStat::Percentile { text, .. } => text,
        })
    }
}
