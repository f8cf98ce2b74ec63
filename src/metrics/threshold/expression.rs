//! A threshold's expression: `AGGREGATE OPERATOR NUMBER`, in k6's grammar and with its texts.

use crate::metrics::builtin::Kind;
use crate::metrics::sink::Sink;
use crate::options::TrendStat;
use std::time::Duration;

/// `p(95)<500`, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub aggregate: Aggregate,
    pub operator: Operator,
    /// In the metric's own unit.
    pub limit: f64,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    Count,
    Rate,
    Value,
    Avg,
    Min,
    Max,
    Med,
    /// 0..=100.
    Percentile(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    LessEqual,
    Less,
    GreaterEqual,
    Greater,
    Equal,
    NotEqual,
}

/// In the order in which k6 looks for them: what begins another operator comes after it.
const OPERATORS: [(&str, Operator); 7] = [
    ("<=", Operator::LessEqual),
    ("<", Operator::Less),
    (">=", Operator::GreaterEqual),
    (">", Operator::Greater),
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
];

impl Expression {
    pub fn parse(source: &str) -> Result<Expression, String> {
        let found = OPERATORS.iter().find_map(|(text, operator)| {
            let (left, right) = source.split_once(text)?;
            (!right.is_empty()).then_some((left.trim(), *operator, right.trim()))
        });
        let Some((left, operator, right)) = found else {
            return Err(format!(
                "failed parsing threshold expression {source:?}; reason: malformed threshold expression"
            ));
        };
        let aggregate = Aggregate::parse(left).map_err(|why| {
            format!("failed parsing threshold expression's {source:?} left hand side; reason: {why}")
        })?;
        let limit = parse_float(right).map_err(|why| {
            // The missing letter is k6's.
            format!("failed parsing threshold expresion's {source:?} right hand side; reason: {why}")
        })?;
        Ok(Expression { aggregate, operator, limit })
    }

    pub fn holds(&self, observed: f64) -> bool {
        match self.operator {
            Operator::LessEqual => observed <= self.limit,
            Operator::Less => observed < self.limit,
            Operator::GreaterEqual => observed >= self.limit,
            Operator::Greater => observed > self.limit,
            Operator::Equal => observed == self.limit,
            Operator::NotEqual => observed != self.limit,
        }
    }
}

impl Aggregate {
    fn parse(text: &str) -> Result<Aggregate, String> {
        Ok(match text {
            "count" => Aggregate::Count,
            "rate" => Aggregate::Rate,
            "value" => Aggregate::Value,
            "avg" => Aggregate::Avg,
            "min" => Aggregate::Min,
            "max" => Aggregate::Max,
            "med" => Aggregate::Med,
            _ => {
                let inner = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
                let inner = inner.ok_or("failed parsing method from expression")?;
                match inner.parse::<f64>() {
                    Ok(percent) if (0.0..=100.0).contains(&percent) => Aggregate::Percentile(percent),
                    _ => {
                        return Err(
                            "malformed percentile value, provide a number between 0 and 100".to_owned()
                        );
                    }
                }
            }
        })
    }

    /// k6's name of the method.
    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Count => "count",
            Aggregate::Rate => "rate",
            Aggregate::Value => "value",
            Aggregate::Avg => "avg",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::Med => "med",
            Aggregate::Percentile(_) => "p",
        }
    }

    /// The names of those that a kind of metric has.
    pub fn names_of(kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Counter => &["count", "rate"],
            Kind::Gauge => &["value"],
            Kind::Rate => &["rate"],
            Kind::Trend => &["avg", "min", "max", "med", "p"],
        }
    }

    /// Its value; `None` where there is nothing to compare: an empty rate, a rate over no time.
    pub fn of(self, sink: &Sink, elapsed: Duration) -> Option<f64> {
        match (self, sink) {
            (Aggregate::Count, Sink::Counter(count)) => Some(*count),
            (Aggregate::Rate, Sink::Counter(count)) => {
                (!elapsed.is_zero()).then(|| count / elapsed.as_secs_f64())
            }
            (Aggregate::Value, Sink::Gauge { value, .. }) => Some(*value),
            (Aggregate::Rate, Sink::Rate { passes, fails }) => {
                let all = passes + fails;
                (all > 0).then(|| *passes as f64 / all as f64)
            }
            (_, Sink::Times(times)) => self.trend_stat().map(|stat| times.stat(&stat)),
            (_, Sink::Numbers(numbers)) => self.trend_stat().map(|stat| numbers.stat(&stat)),
            _ => None,
        }
    }

    /// The statistic that this is of a trend.
    pub fn trend_stat(self) -> Option<TrendStat> {
        match self {
            Aggregate::Avg => Some(TrendStat::Avg),
            Aggregate::Min => Some(TrendStat::Min),
            Aggregate::Max => Some(TrendStat::Max),
            Aggregate::Med => Some(TrendStat::Med),
            Aggregate::Percentile(percent) => {
                Some(TrendStat::Percentile { percent, text: format!("p({percent})") })
            }
            Aggregate::Count | Aggregate::Rate | Aggregate::Value => None,
        }
    }
}

/// Go's `strconv.ParseFloat`, but for its hexadecimal floats.
fn parse_float(text: &str) -> Result<f64, String> {
    let Ok(value) = text.parse::<f64>() else {
        return Err(format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"));
    };
    let is_finite_text = text.bytes().any(|byte| byte.is_ascii_digit());
    if value.is_infinite() && is_finite_text {
        return Err(format!("strconv.ParseFloat: parsing {text:?}: value out of range"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, aggregate: Aggregate, operator: Operator, limit: f64) {
        assert_eq!(Expression::parse(source), Ok(Expression { aggregate, operator, limit }), "{source}");
    }

    #[track_caller]
    fn check_refused(source: &str, want: &str) {
        assert_eq!(Expression::parse(source), Err(want.to_owned()));
    }

    #[test]
    fn every_aggregate_and_operator_has_its_spelling() {
        check("count>10", Aggregate::Count, Operator::Greater, 10.0);
        check("rate<0.01", Aggregate::Rate, Operator::Less, 0.01);
        check("value>=3", Aggregate::Value, Operator::GreaterEqual, 3.0);
        check("avg<=1e3", Aggregate::Avg, Operator::LessEqual, 1000.0);
        check("min==0", Aggregate::Min, Operator::Equal, 0.0);
        check("max===-1.5", Aggregate::Max, Operator::Equal, -1.5);
        check("med!=+.5", Aggregate::Med, Operator::NotEqual, 0.5);
        check("p(95)<500", Aggregate::Percentile(95.0), Operator::Less, 500.0);
        check("p(99.99)<500", Aggregate::Percentile(99.99), Operator::Less, 500.0);
        check("  p(0)  <  1. ", Aggregate::Percentile(0.0), Operator::Less, 1.0);
    }

    #[test]
    fn what_is_malformed_is_said_as_k6_says_it() {
        for source in ["", "count", "count<", "count=1", "p(95)!1"] {
            let malformed = "malformed threshold expression";
            check_refused(
                source,
                &format!("failed parsing threshold expression {source:?}; reason: {malformed}"),
            );
        }
        for source in ["cnt<1", "p95<100", "<1", "p(95<1", "Rate<1"] {
            let why = "failed parsing method from expression";
            check_refused(
                source,
                &format!("failed parsing threshold expression's {source:?} left hand side; reason: {why}"),
            );
        }
        for source in ["p(101)<1", "p(-1)<1", "p()<1", "p(x)<1", "p(nan)<1"] {
            let why = "malformed percentile value, provide a number between 0 and 100";
            check_refused(
                source,
                &format!("failed parsing threshold expression's {source:?} left hand side; reason: {why}"),
            );
        }
        for (source, why) in [
            ("count<x", "parsing \"x\": invalid syntax"),
            ("count< ", "parsing \"\": invalid syntax"),
            ("count<1 2", "parsing \"1 2\": invalid syntax"),
            ("count<=>1", "parsing \">1\": invalid syntax"),
            ("count<1e400", "parsing \"1e400\": value out of range"),
        ] {
            check_refused(
                source,
                &format!(
                    "failed parsing threshold expresion's {source:?} right hand side; reason: strconv.ParseFloat: {why}"
                ),
            );
        }
    }

    #[test]
    fn operators_compare_as_they_read() {
        for (operator, below, equal, above) in [
            ("<", true, false, false),
            ("<=", true, true, false),
            (">", false, false, true),
            (">=", false, true, true),
            ("==", false, true, false),
            ("===", false, true, false),
            ("!=", true, false, true),
        ] {
            let expression = Expression::parse(&format!("value{operator}5")).unwrap();
            let got = [4.0, 5.0, 6.0].map(|observed| expression.holds(observed));
            assert_eq!(got, [below, equal, above], "{operator}");
        }
    }
}
