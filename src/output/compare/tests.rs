use super::*;

const EXPORT: &str = include_str!("../../../tests/cases/k6/export_summary/summary.json");
const EXPORT_NEW: &str = include_str!("../../../tests/cases/k6/export_summary/summary_new.json");
const DATA: &str = include_str!("../../../tests/cases/k6/handle/data.json");
const DATA_NEW: &str = include_str!("../../../tests/cases/k6/handle/data_new.json");

fn side(name: &str, text: &str) -> Side {
    Side { name: name.to_owned(), figures: Figures::parse(text).unwrap() }
}

/// A summary with one trend, one counter and one rate.
fn summary(p95: f64, rate: f64, failed: f64) -> String {
    format!(
        r#"{{"metrics":{{"http_req_duration":{{"avg":1.5,"p(95)":{p95}}},
            "http_req_duration{{name:a>b}}":{{"p(99.9)":7}},
            "http_reqs":{{"count":100,"rate":{rate}}},
            "http_req_failed":{{"passes":1,"fails":99,"value":{failed}}}}}}}"#
    )
}

fn judged(condition: &str) -> Result<Judged, String> {
    let (a, b) = (side("a", &summary(100.0, 50.0, 0.0)), side("b", &summary(120.0, 40.0, 0.01)));
    Condition::parse(condition)?.judge(&a, &b)
}

#[track_caller]
fn check(condition: &str, bound: f64, fails: bool) {
    let got = judged(condition).unwrap();
    assert_eq!((got.bound, got.fails), (bound, fails), "{condition}: {got:?}");
}

#[track_caller]
fn check_refused(condition: &str, want: &str) {
    let got = judged(condition).unwrap_err();
    assert!(got.contains(want), "{condition}: {got}");
}

#[test]
fn a_bound_with_a_percent_sign_is_a_share_of_what_was_before() {
    check("http_req_duration.p(95)>+10%", 110.0, true);
    check("http_req_duration.p(95) > +25%", 125.0, false);
    check("http_req_duration.p(95)>=+20%", 120.0, true);
    check("http_reqs.rate<-10%", 45.0, true);
    check("http_reqs.rate<-30%", 35.0, false);
    // Nothing is the tenth of nothing: any failure is more.
    check("http_req_failed.rate>+10%", 0.0, true);
}

#[test]
fn a_bound_with_a_sign_alone_is_a_difference_and_one_without_is_a_value() {
    check("http_req_duration.p(95)>+19.5", 119.5, true);
    check("http_req_duration.p(95)>+20", 120.0, false);
    check("http_reqs.rate<=-10", 40.0, true);
    check("http_req_duration.p(95)>500", 500.0, false);
    check("http_req_failed.rate>=0.01", 0.01, true);
}

#[test]
fn names_of_sub_metrics_may_hold_dots_and_signs() {
    check("http_req_duration{name:a>b}.p(99.9)>+0%", 7.0, false);
    check_refused("http_req_duration{name:a.b}.p(95)>1", "there is no metric `http_req_duration{name:a.b}`");
}

#[test]
fn what_is_missing_is_named_with_what_there_is() {
    check_refused("http_req_duraton.avg>1", "a: there is no metric".replace("a:", "b:").as_str());
    check_refused("http_req_duration.p(99)>+1%", "has no `p(99)`");
    check_refused("http_req_duration.p(99)>+1%", "these: avg, p(95);");
}

#[test]
fn a_condition_that_cannot_be_read_says_how_to_write_it() {
    check_refused("http_req_duration.p(95)", "it compares nothing");
    check_refused("http_req_duration>5", "no METRIC.STAT");
    check_refused("http_req_duration{a:b.c}>5", "no METRIC.STAT");
    check_refused("http_reqs.rate<5%", "write +5% or -5%");
    check_refused("http_reqs.rate<-x%", "is no number");
    check_refused("http_reqs.rate<nan", "is no number");
}

#[test]
fn every_form_of_k6_is_read_with_the_same_names() {
    for (name, text) in [("export", EXPORT), ("new", EXPORT_NEW), ("data", DATA), ("new data", DATA_NEW)] {
        let figures = Figures::parse(text).unwrap();
        for (metric, stat) in [
            ("http_req_duration", "p(95)"),
            ("http_req_duration{expected_response:true}", "med"),
            ("http_reqs", "rate"),
            ("http_reqs", "count"),
            ("http_req_failed", "rate"),
            ("http_req_failed", "passes"),
            ("checks", "rate"),
            ("checks", "fails"),
            ("my_gauge", "value"),
        ] {
            assert!(figures.get(metric, stat).is_some(), "{name}: {metric}.{stat} of {figures:?}");
        }
        assert!(!figures.metrics.contains_key("checks_total"), "{name}");
    }
    // One run by both names.
    assert_eq!(Figures::parse(DATA).unwrap().duration_s, Some(0.005354729));
    assert_eq!(Figures::parse(DATA_NEW).unwrap().get("checks", "passes"), Some(20.0));
}

#[test]
fn what_is_no_summary_says_what_it_is() {
    let refused = |text: &str, want: &str| {
        let got = Figures::parse(text).unwrap_err();
        assert!(got.contains(want) && got.contains("fix:"), "{text}: {got}");
    };
    refused("{\"metrics\":{", "it is no JSON: EOF");
    refused("[]", "no object");
    refused("{}", "`metrics` is missing");
    refused(r#"{"schema":1,"windows":[]}"#, "a timeline");
    refused(r#"{"trials":[]}"#, "a search");
    refused(r#"{"metrics":{}}"#, "no metric");
    refused(r#"{"metrics":{"x":1}}"#, "`x` is not an object");
    refused(r#"{"metrics":{"x":{"avg":"fast"}}}"#, "`avg` of the metric `x` is \"fast\"");
    refused(r#"{"results":{"metrics":[{}]}}"#, "no `name`");
}

#[test]
fn the_text_has_ratios_and_marks() {
    let conditions = ["http_req_duration.p(95)>+10%", "http_req_failed.rate>0.05"];
    let conditions = conditions.map(|text| Condition::parse(text).unwrap());
    let only_b = summary(120.0, 40.0, 0.01).replace("\"metrics\":{", "\"metrics\":{\"mine\":{\"value\":3},");
    let comparison =
        Comparison::new(side("a", &summary(100.0, 50.0, 0.0)), side("b", &only_b), &conditions).unwrap();
    let want = "\
A  a
B  b

               A      B    B/A
http_req_duration
  avg      1.5ms  1.5ms  1.00x   +0.0 %
  p(95)    100ms  120ms  1.20x  +20.0 %
http_req_duration{name:a>b}
  p(99.9)    7ms    7ms  1.00x   +0.0 %
http_req_failed
  rate     0.00%  1.00%      -
  passes       1      1  1.00x   +0.0 %
  fails       99     99  1.00x   +0.0 %
http_reqs
  rate        50     40  0.80x  -20.0 %
  count      100    100  1.00x   +0.0 %
mine
  value        -      3      -

✗ http_req_duration.p(95)>+10%  100ms -> 120ms (limit 110ms)
✓ http_req_failed.rate>0.05  0.00% -> 1.00% (limit 5.00%)
";
    assert_eq!(render_text(&comparison, false), want);
}

#[test]
fn the_json_has_both_sides_and_what_became_of_each_condition() {
    let condition = Condition::parse("http_reqs.rate<-10%").unwrap();
    let (a, b) = (side("a", &summary(100.0, 50.0, 0.0)), side("b", DATA));
    let text = render_json(&Comparison::new(a, b, &[condition]).unwrap());
    let got: serde_json::Value = serde_json::from_str(&text).unwrap();
    let at = |pointer: &str| got.pointer(pointer).cloned().unwrap_or_else(|| panic!("{pointer} of {text}"));
    assert_eq!(at("/b/duration_s"), 0.005354729);
    assert_eq!(at("/a/duration_s"), serde_json::Value::Null);
    assert_eq!(at("/metrics/http_reqs/count/ratio"), 0.2);
    assert_eq!(at("/metrics/my_gauge/value/a"), serde_json::Value::Null);
    assert_eq!(at("/fail_if/0/limit"), 45.0);
    assert_eq!(at("/failed"), false);
}

#[test]
fn names_cannot_steer_the_terminal() {
    let hostile = "{\"metrics\":{\"x\\u001b[2J\":{\"value\":1}}}";
    let comparison = Comparison::new(side("a", hostile), side("b", hostile), &[]).unwrap();
    assert!(!render_text(&comparison, false).contains('\x1b'));
}
