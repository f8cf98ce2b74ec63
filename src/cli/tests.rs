//! The command line as a table: arguments and variables in, a command or a refusal out.

use super::*;
use crate::options::{
    Body, Dns, DnsPolicy, DnsSelect, Executor, HostRules, LocalIps, Scenario, SpinChoice, Stage, SummaryMode,
    TimeUnit, TransportChoice, TrendStat,
};
use crate::plan::split::Portion;
use std::time::Duration;

mod refusals;
mod scripts;

const URL: &str = "http://127.0.0.1:8080/";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What `ringload run http://127.0.0.1:8080/` asks for.
fn plain() -> RunCommand {
    RunCommand {
        source: Source::Url(URL.to_owned()),
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        pipeline: 1,
        scenarios: vec![scenario(Executor::ConstantVus { vus: 10, duration: seconds(10) })],
        portion: Portion::whole(),
        script: ScriptSettings::default(),
        workers: None,
        transport: TransportChoice::Auto,
        spin: SpinChoice::Auto,
        timeout: seconds(60),
        linger: false,
        quiet: false,
        no_color: false,
        verbose: false,
        summary_mode: SummaryMode::Compact,
        summary_export: None,
        trend_stats: TrendStat::defaults(),
        time_unit: None,
        no_connection_reuse: false,
        no_vu_connection_reuse: false,
        host_rules: HostRules::default(),
        discard_response_bodies: false,
        user_agent: None,
        local_ips: None,
        tags: BTreeMap::new(),
        dns: Dns::default(),
        tls: Default::default(),
        outputs: Vec::new(),
        console_output: None,
        new_machine_readable_summary: false,
    }
}

fn scenario(executor: Executor) -> Scenario {
    Scenario {
        name: "default".to_owned(),
        executor,
        start_time: Duration::ZERO,
        graceful_stop: seconds(30),
        exec: None,
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn parsed(args: &[&str], env: &[(&str, &str)]) -> Result<Command, Refusal> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let env = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    parse(&args, &env)
}

/// The run of a URL that `args` ask for.
fn completed(args: &[&str], env: &[(&str, &str)]) -> Result<RunCommand, Refusal> {
    match parsed(args, env)? {
        Command::Run(request) | Command::Demo(request) => complete_url(request),
        other => panic!("{args:?}: {other:?}"),
    }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `flags` of a run against `URL`, with variables, ask for `want`.
#[track_caller]
fn check(flags: &[&str], env: &[(&str, &str)], want: RunCommand) {
    let args = [&["run"], flags, &[URL]].concat();
    assert_eq!(completed(&args, env), Ok(want), "{flags:?} {env:?}");
}

#[track_caller]
fn check_refused(args: &[&str], env: &[(&str, &str)], message: &str, exit_code: u8) {
    let want = Refusal { message: message.to_owned(), exit_code };
    // A run may be refused when its numbers are put together.
    let got = parsed(args, env).and_then(|command| match command {
        Command::Run(request) | Command::Demo(request) => complete_url(request).map(Some),
        _ => Ok(None),
    });
    assert_eq!(got, Err(want), "{args:?} {env:?}");
}

#[test]
fn a_url_alone_is_enough() {
    check(&[], &[], plain());
    check(&[], &[("K6_VUS", ""), ("K6_RPS", ""), ("PATH", "/bin"), ("K6_OF_THE_SCRIPT", "x")], plain());
}

#[test]
fn flags_come_before_or_after_the_url() {
    let vus = |vus| scenario(Executor::ConstantVus { vus, duration: seconds(5) });
    let want = Ok(RunCommand { scenarios: vec![vus(3)], quiet: true, ..plain() });
    for args in [
        &["run", "-u", "3", "-d", "5s", "-q", URL][..],
        &["run", URL, "-u", "3", "-d", "5s", "-q"],
        &["run", "--vus=3", URL, "--duration=5s", "--quiet=true"],
        &["run", "--vus", "3", URL, "--quiet", "--duration", "5s"],
        &["run", "-u3", "-qd5s", URL],
        &["run", "-u=3", "-d=5s", "-q", URL],
        &["-q", "run", "-u", "3", "-d", "5s", URL],
        &["run", "-u", "9", "-u", "3", "-d", "5s", "-q", "--", URL],
        &["run", "-u", "0x3", "-d", "5s", "-q", URL],
    ] {
        assert_eq!(completed(args, &[]), want, "{args:?}");
    }
    check(&["-q", "--quiet=false"], &[], plain());
    assert_eq!(completed(&["-q", "run", "--quiet=false", URL], &[]), Ok(plain()));
}

/// Each option: its flag alone, its variable alone, and the flag winning over the variable.
#[track_caller]
fn check_precedence(flag: &[&str], flag_want: RunCommand, variable: (&str, &str), variable_want: RunCommand) {
    assert_ne!(flag_want, variable_want);
    check(flag, &[], flag_want.clone());
    check(&[], &[variable], variable_want);
    check(flag, &[variable], flag_want);
}

#[test]
fn flags_win_over_variables_in_the_amount_of_load() {
    let run = |executor| RunCommand { scenarios: vec![scenario(executor)], ..plain() };
    let vus = |vus| run(Executor::ConstantVus { vus, duration: seconds(10) });
    let lasting = |duration| run(Executor::ConstantVus { vus: 10, duration });
    let iterations =
        |vus, iterations| run(Executor::SharedIterations { vus, iterations, max_duration: seconds(600) });
    let ramp = |target| {
        let stages = vec![Stage { duration: seconds(2), target }, Stage { duration: seconds(60), target: 0 }];
        run(Executor::RampingVus { start_vus: 1, stages, graceful_ramp_down: seconds(30) })
    };
    let rate = |rate, max_vus| {
        run(Executor::ConstantArrivalRate {
            rate,
            time_unit: seconds(1),
            duration: seconds(10),
            pre_allocated_vus: 10,
            max_vus,
        })
    };
    check_precedence(&["-u", "3"], vus(3), ("K6_VUS", "4"), vus(4));
    check_precedence(&["-d", "3s"], lasting(seconds(3)), ("K6_DURATION", "1d"), lasting(seconds(86_400)));
    check(&[], &[("K6_DURATION", "2500")], lasting(Duration::from_millis(2_500)));
    check_precedence(&["-i", "5"], iterations(5, 5), ("K6_ITERATIONS", "70"), iterations(10, 70));
    check_precedence(&["-s", "2s:3,1m:0"], ramp(3), ("K6_STAGES", "2s:4,1m:0"), ramp(4));
    check_precedence(&["-s", "2s:3", "--stage", "1m:0"], ramp(3), ("K6_ITERATIONS", "5"), iterations(5, 5));
    check_precedence(&["--rate", "50k"], rate(50_000, 10_000), ("RINGLOAD_RATE", "70"), rate(70, 70));
    check(&["--rate", "50", "--max-vus", "20"], &[("RINGLOAD_MAX_VUS", "30")], rate(50, 20));
    check(&["--rate", "50"], &[("RINGLOAD_MAX_VUS", "30")], rate(50, 30));
    // The ways to run replace each other as a block.
    check(&["-d", "3s"], &[("K6_STAGES", "2s:4")], lasting(seconds(3)));
    check(&["--rate", "70"], &[("K6_ITERATIONS", "5")], rate(70, 70));
    check(&["-i", "5"], &[("RINGLOAD_RATE", "50"), ("K6_DURATION", "1m")], iterations(5, 5));
}

#[test]
fn flags_win_over_variables_in_the_request() {
    let method = |method: &str| RunCommand { method: method.to_owned(), ..plain() };
    check_precedence(&["-X", "PUT"], method("PUT"), ("RINGLOAD_METHOD", "HEAD"), method("HEAD"));
    let headers = |list: &[(&str, &str)]| RunCommand { headers: pairs(list), ..plain() };
    check_precedence(
        &["-H", "Accept: a, b", "-H", "X: "],
        headers(&[("Accept", "a, b"), ("X", "")]),
        ("RINGLOAD_HEADER", "A: 1\nB: 2\n"),
        headers(&[("A", "1"), ("B", "2")]),
    );
    let body = |body: Body| RunCommand { method: "POST".to_owned(), body: Some(body), ..plain() };
    check_precedence(
        &["-b", "-text"],
        body(Body::Text("-text".to_owned())),
        ("RINGLOAD_BODY", "@a.json"),
        body(Body::File("a.json".into())),
    );
    check(
        &["-b", "x", "-X", "GET"],
        &[],
        RunCommand { method: "GET".to_owned(), ..body(Body::Text("x".to_owned())) },
    );
    let timeout = |timeout| RunCommand { timeout, ..plain() };
    check_precedence(
        &["--timeout", "2s"],
        timeout(seconds(2)),
        ("RINGLOAD_TIMEOUT", "500"),
        timeout(Duration::from_millis(500)),
    );
    let agent = |text: &str| RunCommand { user_agent: Some(text.to_owned()), ..plain() };
    check_precedence(&["--user-agent", ""], agent(""), ("K6_USER_AGENT", "mine/1"), agent("mine/1"));
    let discard = |discard_response_bodies| RunCommand { discard_response_bodies, ..plain() };
    check_precedence(
        &["--discard-response-bodies=false"],
        discard(false),
        ("K6_DISCARD_RESPONSE_BODIES", "true"),
        discard(true),
    );
}

#[test]
fn flags_win_over_variables_in_the_engine() {
    let pipeline = |pipeline| RunCommand { pipeline, ..plain() };
    check_precedence(&["--pipeline", "1024"], pipeline(1024), ("RINGLOAD_PIPELINE", "16"), pipeline(16));
    let workers = |workers| RunCommand { workers: Some(workers), ..plain() };
    check_precedence(&["--workers", "2"], workers(2), ("RINGLOAD_WORKERS", "1"), workers(1));
    let transport = |transport| RunCommand { transport, ..plain() };
    check_precedence(
        &["--transport", "uring"],
        transport(TransportChoice::Uring),
        ("RINGLOAD_TRANSPORT", "epoll"),
        transport(TransportChoice::Epoll),
    );
    let spin = |spin| RunCommand { spin, ..plain() };
    check_precedence(&["--spin=on"], spin(SpinChoice::On), ("RINGLOAD_SPIN", "off"), spin(SpinChoice::Off));
    let reuse = |no_connection_reuse| RunCommand { no_connection_reuse, ..plain() };
    check_precedence(
        &["--no-connection-reuse=f"],
        reuse(false),
        ("K6_NO_CONNECTION_REUSE", "true"),
        reuse(true),
    );
    let ips = |text| RunCommand { local_ips: Some(LocalIps::parse(text).unwrap()), ..plain() };
    check_precedence(
        &["--local-ips", "127.0.0.1,127.0.0.2"],
        ips("127.0.0.1,127.0.0.2"),
        ("K6_LOCAL_IPS", "127.0.1.0/24"),
        ips("127.0.1.0/24"),
    );
    let dns = |dns| RunCommand { dns, ..plain() };
    let env_dns = Dns { ttl: Duration::ZERO, select: DnsSelect::First, ..Dns::default() };
    check(&[], &[("K6_DNS", "ttl=0,select=first")], dns(env_dns));
    check(
        &["--dns", "policy=onlyIPv6"],
        &[("K6_DNS", "ttl=0,select=first")],
        dns(Dns { policy: DnsPolicy::OnlyIpv6, ..env_dns }),
    );
}

#[test]
fn flags_win_over_variables_in_the_report() {
    let tags = |list: &[(&str, &str)]| RunCommand { tags: pairs(list).into_iter().collect(), ..plain() };
    check_precedence(
        &["--tag", "a=1,2", "--tag", "b=3"],
        tags(&[("a", "1,2"), ("b", "3")]),
        ("K6_TAGS", "c:4,d:5"),
        tags(&[("c", "4"), ("d", "5")]),
    );
    let mode = |summary_mode| RunCommand { summary_mode, ..plain() };
    check_precedence(
        &["--summary-mode", "legacy"],
        mode(SummaryMode::Legacy),
        ("K6_SUMMARY_MODE", "full"),
        mode(SummaryMode::Full),
    );
    check_precedence(
        &["--no-summary=false"],
        mode(SummaryMode::Compact),
        ("K6_NO_SUMMARY", "1"),
        mode(SummaryMode::Disabled),
    );
    check(&["--no-summary", "--summary-mode=full"], &[], mode(SummaryMode::Disabled));
    let export = |file: &str| RunCommand { summary_export: Some(file.into()), ..plain() };
    check_precedence(
        &["--summary-export", "a.json"],
        export("a.json"),
        ("K6_SUMMARY_EXPORT", "b.json"),
        export("b.json"),
    );
    let stats = |list: &[&str]| {
        let trend_stats = list.iter().map(|stat| TrendStat::parse(stat).unwrap()).collect();
        RunCommand { trend_stats, ..plain() }
    };
    check_precedence(
        &["--summary-trend-stats", "avg,p(99.9)", "--summary-trend-stats", "max"],
        stats(&["avg", "p(99.9)", "max"]),
        ("K6_SUMMARY_TREND_STATS", "min,count"),
        stats(&["min", "count"]),
    );
    let unit = |unit| RunCommand { time_unit: Some(unit), ..plain() };
    check_precedence(
        &["--summary-time-unit", "s"],
        unit(TimeUnit::Seconds),
        ("K6_SUMMARY_TIME_UNIT", "us"),
        unit(TimeUnit::Microseconds),
    );
    let no_color = |no_color| RunCommand { no_color, ..plain() };
    check_precedence(&["--no-color=false"], no_color(false), ("K6_NO_COLOR", "false"), no_color(true));
    check_precedence(&["--no-color=false"], no_color(false), ("NO_COLOR", ""), no_color(true));
    check(&["-v"], &[], RunCommand { verbose: true, ..plain() });
    check(&["--no-usage-report"], &[("K6_NO_USAGE_REPORT", "true")], plain());
}

#[test]
fn a_demo_takes_the_flags_of_run_and_no_url() {
    let want = RunCommand { source: Source::Url(String::new()), pipeline: 4, ..plain() };
    assert_eq!(completed(&["demo", "--pipeline", "4"], &[]), Ok(want));
    check_refused(&["demo", URL], &[], "accepts 0 arg(s), received 1", 255);
}

#[test]
fn a_target_is_its_flags() {
    use crate::options::capacity::{CapacityOptions, Pause};
    use crate::options::{BehaviourOptions, Delay};
    let plain = TargetCommand {
        listen: "127.0.0.1:8080".parse().unwrap(),
        workers: 1,
        transport: TransportChoice::Auto,
        json: false,
        duration: None,
        tls: false,
        tls_cert_out: None,
        behaviour: BehaviourOptions::default(),
        capacity: CapacityOptions::default(),
        backlog: 4096,
        accept_pause: Duration::ZERO,
    };
    #[track_caller]
    fn check_target(args: &[&str], want: TargetCommand) {
        assert_eq!(parsed(&[&["target"], args].concat(), &[("K6_VUS", "x")]), Ok(Command::Target(want)));
    }
    check_target(&[], plain.clone());
    for (listen, want) in [
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("[::1]:0", "[::1]:0"),
        ("localhost:9", "127.0.0.1:9"),
        (":9", "0.0.0.0:9"),
    ] {
        let want = TargetCommand { listen: want.parse().unwrap(), ..plain.clone() };
        check_target(&["--listen", listen], want);
    }
    check_target(
        &["--workers=2", "--transport", "epoll", "--json", "-d", "30s"],
        TargetCommand {
            workers: 2,
            transport: TransportChoice::Epoll,
            json: true,
            duration: Some(seconds(30)),
            ..plain.clone()
        },
    );
    let behaviour = BehaviourOptions {
        status: 201,
        size: 102_400,
        delay: Delay::Exponential { mean: Duration::from_millis(5) },
        fail: Some((0.1, 503)),
        close: true,
        chunked: true,
    };
    check_target(
        &["--status=201", "--size=100k", "--delay=exp:5ms", "--fail=0.1:503", "--close", "--chunked"],
        TargetCommand { behaviour, ..plain.clone() },
    );
    let capacity = CapacityOptions {
        per_second: Some(5000),
        queue: Some(100),
        collapse: Some(0.5),
        recover: Some(seconds(10)),
        pause: Some(Pause { length: Duration::from_millis(200), every: 500 }),
    };
    let accept_pause = Duration::from_millis(500);
    check_target(
        &[
            "--capacity=5000",
            "--queue=100",
            "--collapse=0.5",
            "--recover=10s",
            "--pause=200ms:500",
            "--backlog=8",
            "--accept-pause=500ms",
        ],
        TargetCommand { capacity, backlog: 8, accept_pause, ..plain },
    );
    for (argument, message) in [
        ("--listen=8080", "invalid argument \"8080\" for \"--listen\" flag: write it as HOST:PORT"),
        (
            "--listen=a.test:80",
            "invalid argument \"a.test:80\" for \"--listen\" flag: \"a.test\" is no IP address, nor localhost",
        ),
        ("--listen=:x", "invalid argument \":x\" for \"--listen\" flag: \"x\" is no port"),
        ("--workers=0", "invalid argument \"0\" for \"--workers\" flag: must be from 1 to 1024"),
        (
            "--status=42",
            "invalid argument \"42\" for \"--status\" flag: \"42\" is no final HTTP status (200 to 599)",
        ),
        (
            "--duration=0s",
            "invalid argument \"0s\" for \"-d, --duration\" flag: the duration must be more than 0, but is 0s",
        ),
        (
            "--close=maybe",
            "invalid argument \"maybe\" for \"--close\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        (
            "--capacity=0",
            "invalid argument \"0\" for \"--capacity\" flag: \"0\" is no whole number from 1 to 10000000",
        ),
        (
            "--queue=5",
            "--queue means nothing without --capacity\n  fix: add --capacity, or leave --queue out",
        ),
        ("--vus=3", "unknown flag: --vus"),
        ("extra", "accepts 0 arg(s), received 1"),
    ] {
        check_refused(&["target", argument], &[], message, 255);
    }
    check_refused(&["-q", "target"], &[], "--quiet means nothing to ringload target", 255);
}

#[test]
fn the_version_is_a_flag_and_a_command() {
    assert_eq!(parsed(&["version"], &[]), Ok(Command::Version { json: false }));
    assert_eq!(parsed(&["version", "--json"], &[]), Ok(Command::Version { json: true }));
    assert_eq!(parsed(&["version", "--json=false"], &[]), Ok(Command::Version { json: false }));
    assert_eq!(parsed(&["--version"], &[]), Ok(Command::Version { json: false }));
    let version = env!("CARGO_PKG_VERSION");
    assert!(render_version(false).starts_with(&format!("ringload v{version} (linux/")));
    assert!(render_version(true).ends_with(&format!("\"os\":\"linux\",\"version\":\"v{version}\"}}")));
}

#[test]
fn help_names_every_supported_flag_and_no_other() {
    #[track_caller]
    fn help(args: &[&str]) -> String {
        match parsed(args, &[]) {
            Ok(Command::Help(text)) => text,
            other => panic!("{args:?}: {other:?}"),
        }
    }
    let root = help(&[]);
    assert_eq!(root, help(&["--help"]));
    assert_eq!(root, help(&["help"]));
    for command in ["run", "demo", "target", "version"] {
        assert!(root.contains(command), "{root}");
        let text = help(&[command, "--help"]);
        assert_eq!(text, help(&["help", command]));
        for flag in flags::of(command).iter().filter(|flag| !flag.name.is_empty()) {
            let shown =
                text.contains(&format!("--{} ", flag.name)) || text.contains(&format!("--{}[", flag.name));
            assert_eq!(shown, flag.status == flags::Status::Supported, "{command} --{}\n{text}", flag.name);
        }
    }
}
