use super::*;
use crate::metrics::summary::Contains;
use crate::metrics::traces::Happening;
use crate::metrics::{ExchangeTiming, Kind, LeafId, Traces};

/// 2026-11-24T06:08:52.93Z.
const ZERO: u64 = 1_795_500_532_930_000_000;

fn tags(pairs: &[(&str, &str)]) -> TagSet {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn leaf(pairs: &[(&str, &str)]) -> TracedLeaf {
    TracedLeaf { tags: tags(pairs), expected_response: None, metric: None }
}

fn traces(leaf: TracedLeaf, what: Happening) -> Traces {
    let records = vec![Trace { at: Instant(3_206_476), leaf: LeafId(0), what }];
    Traces { records, new_leaves: vec![leaf], left_out: 0 }
}

fn thresholds(registry: &Registry) -> Thresholds {
    let spec = |source: &str, abort_on_fail| ThresholdSpec {
        source: source.to_owned(),
        abort_on_fail,
        delay_abort_eval: None,
    };
    let specs = [
        ("http_req_duration".to_owned(), vec![spec("p(95)<500", false), spec("avg<0.001", true)]),
        ("http_req_duration{group:::front}".to_owned(), vec![spec("p(99)<1000", false)]),
    ];
    Thresholds::parse(&specs, registry).unwrap()
}

#[track_caller]
fn check_json(traces: &Traces, want: &str) {
    let registry = Arc::new(Registry::new());
    let mut text = SampleText::json(registry.clone(), &thresholds(&registry), &TagSet::new());
    check(&mut text, traces, want);
}

#[track_caller]
fn check_csv(time: CsvTimeFormat, traces: &Traces, want: &str) {
    let mut text = SampleText::csv(Arc::new(Registry::new()), &TagSet::new(), time);
    check(&mut text, traces, want);
}

#[track_caller]
fn check(text: &mut SampleText, traces: &Traces, want: &str) {
    text.set_clock(ZERO, 0);
    let mut out = String::new();
    write(text, &mut out, 1, traces);
    assert_eq!(out, want);
}

fn write(text: &mut SampleText, out: &mut String, worker: usize, traces: &Traces) {
    text.add_leaves(worker, &traces.new_leaves);
    text.write_traces(out, worker, &traces.records);
}

#[test]
fn a_metric_is_introduced_before_its_first_point() {
    let data =
        traces(leaf(&[("group", "::setup"), ("run", "r&f")]), Happening::Data { sent: 0, received: 7 });
    check_json(
        &data,
        concat!(
            r#"{"type":"Metric","data":{"name":"data_sent","type":"counter","contains":"data","thresholds":[],"submetrics":null},"metric":"data_sent"}"#,
            "\n",
            r#"{"metric":"data_sent","type":"Point","data":{"time":"2026-11-24T06:08:52.933206476Z","value":0,"tags":{"group":"::setup","run":"r&f"}}}"#,
            "\n",
            r#"{"type":"Metric","data":{"name":"data_received","type":"counter","contains":"data","thresholds":[],"submetrics":null},"metric":"data_received"}"#,
            "\n",
            r#"{"metric":"data_received","type":"Point","data":{"time":"2026-11-24T06:08:52.933206476Z","value":7,"tags":{"group":"::setup","run":"r&f"}}}"#,
            "\n",
        ),
    );
}

#[test]
fn an_introduction_names_thresholds_and_sub_metrics() {
    let timing = ExchangeTiming { sending_ns: 0, waiting_ns: 104_882, receiving_ns: 0 };
    let exchange = Happening::Exchange { timing, n: 1, opening: Default::default() };
    let registry = Arc::new(Registry::new());
    let mut text = SampleText::json(registry.clone(), &thresholds(&registry), &TagSet::new());
    let mut out = String::new();
    write(&mut text, &mut out, 0, &traces(leaf(&[]), exchange));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[2],
        r#"{"type":"Metric","data":{"name":"http_req_duration","type":"trend","contains":"time","thresholds":["p(95)<500",{"threshold":"avg<0.001","abortOnFail":true,"delayAbortEval":null}],"submetrics":[{"name":"http_req_duration{group:::front}","suffix":"group:::front","tags":{"group":"::front"}},{"name":"http_req_duration{expected_response:true}","suffix":"expected_response:true","tags":{"expected_response":"true"}}]},"metric":"http_req_duration"}"#
    );
    assert!(lines[3].contains(r#""value":0.104882,"tags":{}}}"#), "{}", lines[3]);
    // Nobody judges the response: no http_req_failed.
    assert_eq!(lines.len(), 16);
    // The second time nothing is introduced.
    let mut again = String::new();
    write(&mut text, &mut again, 0, &Traces { new_leaves: Vec::new(), ..traces(leaf(&[]), exchange) });
    assert_eq!(again.lines().count(), 8);
}

#[test]
fn a_row_has_a_column_for_each_system_tag_and_one_for_the_rest() {
    let check =
        leaf(&[("check", "a, \"b\""), ("group", ""), ("run", "ref"), ("scenario", "default"), ("z", "1")]);
    let passed = traces(check, Happening::Check { passed: true });
    check_csv(
        CsvTimeFormat::Unix,
        &passed,
        "checks,1795500532,1.000000,\"a, \"\"b\"\"\",,,,,,,,default,,,,,,run=ref&z=1,\n",
    );
    let header = SampleText::csv(Arc::default(), &TagSet::new(), CsvTimeFormat::Unix).header();
    assert_eq!(
        header,
        "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n"
    );
}

#[test]
fn times_are_in_the_form_that_is_asked_for() {
    let time = |format, want: &str| {
        let dropped = traces(leaf(&[]), Happening::Dropped { n: 3 });
        check_csv(format, &dropped, &format!("dropped_iterations,{want},3.000000,,,,,,,,,,,,,,,,\n"));
    };
    time(CsvTimeFormat::UnixMilli, "1795500532933");
    time(CsvTimeFormat::UnixMicro, "1795500532933206");
    time(CsvTimeFormat::UnixNano, "1795500532933206476");
    time(CsvTimeFormat::Rfc3339, "2026-11-24T06:08:52Z");
    time(CsvTimeFormat::Rfc3339Nano, "2026-11-24T06:08:52.933206476Z");
}

#[test]
fn a_scripts_own_metric_and_the_vus_are_samples_too() {
    let registry = Arc::new(Registry::new());
    let metric = registry.declare("my_trend", Kind::Trend, Contains::Default).unwrap();
    let mut text = SampleText::csv(registry, &tags(&[("run", "ref")]), CsvTimeFormat::Unix);
    let mut out = String::new();
    let own = TracedLeaf { metric: Some(metric), ..leaf(&[]) };
    write(&mut text, &mut out, 0, &traces(own, Happening::Value(-0.5)));
    text.write_vus(&mut out, Instant(2_000_000_000), 1, 5);
    let rest = ",".repeat(13);
    assert_eq!(
        out,
        format!(
            "my_trend,0,-0.500000,{rest},,\nvus,2,1.000000,{rest},run=ref,\nvus_max,2,5.000000,{rest},run=ref,\n"
        )
    );
}
