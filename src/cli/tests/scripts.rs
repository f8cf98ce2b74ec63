//! Runs of scripts: four layers put together, `__ENV`, and what means nothing to the other source.

use super::*;
use crate::options::host_rules::{Network, Pattern};
use crate::options::script;
use crate::options::{Layer, SystemTags, ThresholdSpec};
use crate::plan::split::{Segment, SegmentSequence};

/// A file that is there, whatever it holds.
const SCRIPT: &str = "Cargo.toml";

/// What a script that says nothing asks for.
fn plain_script() -> RunCommand {
    RunCommand {
        source: Source::Script(SCRIPT.to_owned()),
        scenarios: vec![scenario(Executor::PerVuIterations {
            vus: 1,
            iterations: 1,
            max_duration: seconds(600),
        })],
        ..plain()
    }
}

fn request(flags: &[&str], env: &[(&str, &str)]) -> Result<RunRequest, Refusal> {
    match parsed(&[&["run"], flags, &[SCRIPT]].concat(), env)? {
        Command::Run(request) => Ok(request),
        other => panic!("{flags:?}: {other:?}"),
    }
}

fn complete(flags: &[&str], env: &[(&str, &str)], options: &str) -> Result<RunCommand, Refusal> {
    let (layer, _) = script::decode(options).unwrap();
    let is_exported = |name: &str| name == "default" || name == "browse";
    complete_script(request(flags, env)?, LoadedScript { layer, is_exported: &is_exported })
}

/// What is put together, without the texts that repeat it.
#[track_caller]
fn check_script(flags: &[&str], env: &[(&str, &str)], options: &str, want: RunCommand) {
    let mut got = complete(flags, env, options).unwrap();
    let default = ScriptSettings::default();
    got.script.test_options = default.test_options;
    got.script.script_options = default.script_options;
    got.script.env = default.env;
    assert_eq!(got, want, "{flags:?} {env:?} {options}");
}

#[track_caller]
fn check_script_refused(flags: &[&str], env: &[(&str, &str)], options: &str, message: &str, exit_code: u8) {
    let want = Refusal { message: message.to_owned(), exit_code };
    assert_eq!(complete(flags, env, options), Err(want), "{flags:?} {env:?} {options}");
}

/// One option: nothing said, the script alone, its variable over that, its flag over both. What has
/// no flag, or no variable, leaves it empty.
#[track_caller]
fn check_layers<T: Clone>(
    command: impl Fn(T) -> RunCommand,
    (options, of_script): (&str, T),
    (variable, of_variable): ((&str, &str), T),
    (flag, of_flag): (&[&str], T),
) {
    check_script(&[], &[], options, command(of_script.clone()));
    if !variable.0.is_empty() {
        check_script(&[], &[variable], "{}", command(of_variable.clone()));
        check_script(&[], &[variable], options, command(of_variable));
    }
    if !flag.is_empty() {
        check_script(flag, &[], "{}", command(of_flag.clone()));
        check_script(flag, &[], options, command(of_flag.clone()));
        check_script(flag, &[variable], options, command(of_flag));
    }
}

#[test]
fn a_script_that_says_nothing_is_one_iteration() {
    check_script(&[], &[], "{}", plain_script());
    check_script(&[], &[("K6_VUS", ""), ("K6_RPS", "")], "null", plain_script());
}

#[test]
fn flags_win_over_variables_and_these_over_the_script_in_the_amount_of_load() {
    let run = |executor| RunCommand { scenarios: vec![scenario(executor)], ..plain_script() };
    let shared =
        |(vus, iterations)| run(Executor::SharedIterations { vus, iterations, max_duration: seconds(600) });
    check_layers(shared, (r#"{"vus": 2}"#, (2, 2)), (("K6_VUS", "3"), (3, 3)), (&["-u", "4"], (4, 4)));
    check_layers(
        shared,
        (r#"{"iterations": 2}"#, (1, 2)),
        (("K6_ITERATIONS", "3"), (1, 3)),
        (&["-i", "4"], (1, 4)),
    );
    check_layers(
        |duration| run(Executor::ConstantVus { vus: 1, duration: seconds(duration) }),
        (r#"{"duration": 2000}"#, 2),
        (("K6_DURATION", "3000"), 3),
        (&["-d", "4s"], 4),
    );
    check_layers(
        |target| {
            let stages = vec![Stage { duration: seconds(1), target }];
            run(Executor::RampingVus { start_vus: 1, stages, graceful_ramp_down: seconds(30) })
        },
        (r#"{"stages": [{"duration": "1s", "target": 2}]}"#, 2),
        (("K6_STAGES", "1s:3"), 3),
        (&["-s", "1s:4"], 4),
    );
}

#[test]
fn flags_win_over_variables_and_these_over_the_script_in_what_a_script_does() {
    let with = |settings: ScriptSettings| RunCommand { script: settings, ..plain_script() };
    let d = ScriptSettings::default;
    check_layers(
        |no_setup| with(ScriptSettings { no_setup, ..d() }),
        (r#"{"noSetup": true}"#, true),
        (("K6_NO_SETUP", "false"), false),
        (&["--no-setup"], true),
    );
    check_layers(
        |no_teardown| with(ScriptSettings { no_teardown, ..d() }),
        (r#"{"noTeardown": true}"#, true),
        (("K6_NO_TEARDOWN", "false"), false),
        (&["--no-teardown"], true),
    );
    check_layers(
        |time| with(ScriptSettings { setup_timeout: seconds(time), ..d() }),
        (r#"{"setupTimeout": "2s"}"#, 2),
        (("K6_SETUP_TIMEOUT", "3000"), 3),
        (&[], 0),
    );
    check_layers(
        |time| with(ScriptSettings { teardown_timeout: seconds(time), ..d() }),
        (r#"{"teardownTimeout": "2s"}"#, 2),
        (("K6_TEARDOWN_TIMEOUT", "3s"), 3),
        (&[], 0),
    );
    check_layers(
        |time| with(ScriptSettings { handle_summary_timeout: seconds(time), ..d() }),
        (r#"{"handleSummaryTimeout": "2s"}"#, 2),
        (("K6_HANDLE_SUMMARY_TIMEOUT", "3s"), 3),
        (&[], 0),
    );
    check_layers(
        |time: u64| {
            let least = (time > 0).then(|| seconds(time));
            with(ScriptSettings { min_iteration_duration: least, ..d() })
        },
        (r#"{"minIterationDuration": "2s"}"#, 2),
        (("K6_MIN_ITERATION_DURATION", "0"), 0),
        (&["--min-iteration-duration", "4s"], 4),
    );
    check_layers(
        |rps| with(ScriptSettings { rps, ..d() }),
        (r#"{"rps": 2}"#, Some(2)),
        (("K6_RPS", "3"), Some(3)),
        (&["--rps", "0"], None),
    );
    check_layers(
        |max_redirects| with(ScriptSettings { max_redirects, ..d() }),
        (r#"{"maxRedirects": 2}"#, 2),
        (("K6_MAX_REDIRECTS", "3"), 3),
        (&["--max-redirects", "-1"], 0),
    );
    check_layers(
        |batch| with(ScriptSettings { batch, ..d() }),
        (r#"{"batch": 2}"#, 2),
        (("K6_BATCH", "3"), 3),
        (&["--batch", "4"], 4),
    );
    check_layers(
        |batch_per_host| with(ScriptSettings { batch_per_host, ..d() }),
        (r#"{"batchPerHost": 2}"#, Some(2)),
        (("K6_BATCH_PER_HOST", "3"), Some(3)),
        (&["--batch-per-host", "0"], None),
    );
    check_layers(
        |throw| with(ScriptSettings { throw, ..d() }),
        (r#"{"throw": true}"#, true),
        (("K6_THROW", "false"), false),
        (&["-w"], true),
    );
    check_layers(
        |no_cookies_reset| with(ScriptSettings { no_cookies_reset, ..d() }),
        (r#"{"noCookiesReset": true}"#, true),
        (("K6_NO_COOKIES_RESET", "false"), false),
        (&[], false),
    );
    let system_tags = |names: &str| SystemTags::of(names.split(','));
    check_layers(
        |names| with(ScriptSettings { system_tags: system_tags(names), ..d() }),
        (r#"{"systemTags": ["url", "nonsense"]}"#, "url"),
        (("K6_SYSTEM_TAGS", "status,ip"), "status,ip"),
        (&["--system-tags", "method"], "method"),
    );
    let spec = ThresholdSpec { source: "rate>0.9".to_owned(), abort_on_fail: false, delay_abort_eval: None };
    let thresholds = vec![("checks".to_owned(), vec![spec])];
    let thresholds =
        |kept: bool| ScriptSettings { thresholds: if kept { thresholds.clone() } else { Vec::new() }, ..d() };
    let options = r#"{"thresholds": {"checks": ["rate>0.9"]}}"#;
    check_script(&[], &[], options, with(thresholds(true)));
    check_script(&[], &[("K6_NO_THRESHOLDS", "1")], options, with(thresholds(false)));
    check_script(&["--no-thresholds=false"], &[("K6_NO_THRESHOLDS", "1")], options, with(thresholds(true)));
}

#[test]
fn flags_win_over_variables_and_these_over_the_script_in_what_urls_have_too() {
    check_layers(
        |text: &str| RunCommand { user_agent: Some(text.to_owned()), ..plain_script() },
        (r#"{"userAgent": "a"}"#, "a"),
        (("K6_USER_AGENT", "b"), "b"),
        (&["--user-agent", ""], ""),
    );
    check_layers(
        |no_connection_reuse| RunCommand { no_connection_reuse, ..plain_script() },
        (r#"{"noConnectionReuse": true}"#, true),
        (("K6_NO_CONNECTION_REUSE", "false"), false),
        (&["--no-connection-reuse"], true),
    );
    check_layers(
        |discard_response_bodies| RunCommand { discard_response_bodies, ..plain_script() },
        (r#"{"discardResponseBodies": true}"#, true),
        (("K6_DISCARD_RESPONSE_BODIES", "false"), false),
        (&["--discard-response-bodies"], true),
    );
    check_layers(
        |stat: &str| RunCommand { trend_stats: vec![TrendStat::parse(stat).unwrap()], ..plain_script() },
        (r#"{"summaryTrendStats": ["avg"]}"#, "avg"),
        (("K6_SUMMARY_TREND_STATS", "min"), "min"),
        (&["--summary-trend-stats", "p(99)"], "p(99)"),
    );
    check_layers(
        |unit| RunCommand { time_unit: Some(unit), ..plain_script() },
        (r#"{"summaryTimeUnit": "s"}"#, TimeUnit::Seconds),
        (("K6_SUMMARY_TIME_UNIT", "ms"), TimeUnit::Milliseconds),
        (&["--summary-time-unit", "us"], TimeUnit::Microseconds),
    );
    check_layers(
        |name: &str| RunCommand { tags: pairs(&[(name, "1")]).into_iter().collect(), ..plain_script() },
        (r#"{"tags": {"a": "1"}}"#, "a"),
        (("K6_TAGS", "b:1"), "b"),
        (&["--tag", "c=1"], "c"),
    );
    check_layers(
        |no_vu_connection_reuse| RunCommand { no_vu_connection_reuse, ..plain_script() },
        (r#"{"noVUConnectionReuse": true}"#, true),
        (("K6_NO_VU_CONNECTION_REUSE", "false"), false),
        (&["--no-vu-connection-reuse"], true),
    );
    check_layers(
        |pattern| {
            let blocked = vec![Pattern::parse(pattern).unwrap()];
            RunCommand { host_rules: HostRules { blocked, ..HostRules::default() }, ..plain_script() }
        },
        (r#"{"blockHostnames": ["a.test"]}"#, "a.test"),
        (("K6_BLOCK_HOSTNAMES", "b.test"), "b.test"),
        (&["--block-hostnames", "*.test"], "*.test"),
    );
    check_layers(
        |networks: &[&str]| {
            let blacklist = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
            RunCommand { host_rules: HostRules { blacklist, ..HostRules::default() }, ..plain_script() }
        },
        (r#"{"blacklistIPs": ["10.0.0.0/8"]}"#, &["10.0.0.0/8"][..]),
        (("K6_BLACKLIST_IPS", "::/0,1.0.0.0/8"), &["::/0", "1.0.0.0/8"]),
        (&["--blacklist-ip", "2.0.0.0/8", "--blacklist-ip", "3.0.0.0/8"], &["2.0.0.0/8", "3.0.0.0/8"]),
    );
    let portion = |segment: &str, sequence: &str| {
        Portion::new(Segment::parse(segment).unwrap(), &SegmentSequence::parse(sequence).unwrap()).unwrap()
    };
    for (flags, want) in [
        (&[][..], portion("1/2", "")),
        (&["--execution-segment", "25%:0.5"], portion("1/4:1/2", "")),
        (&["--execution-segment-sequence", "0,1/2,1"], portion("0:1/2", "0,1/2,1")),
    ] {
        let want = RunCommand { portion: want, ..plain_script() };
        // What a script sees of its options is not in question here.
        let mut got = complete(flags, &[], r#"{"executionSegment": "1/2"}"#).unwrap();
        got.script = ScriptSettings::default();
        assert_eq!(got, want, "{flags:?}");
    }
    // Key by key.
    let want = Dns { ttl: seconds(1), select: DnsSelect::First, policy: DnsPolicy::Any };
    check_script(
        &["--dns", "policy=any"],
        &[("K6_DNS", "select=first,policy=onlyIPv4")],
        r#"{"dns": {"ttl": "1s", "select": "random", "policy": "onlyIPv6"}}"#,
        RunCommand { dns: want, ..plain_script() },
    );
}

/// A configuration file with this text, for the time of a test.
struct ConfigFile(std::path::PathBuf);

impl ConfigFile {
    fn new(name: &str, text: &str) -> ConfigFile {
        let path = std::env::temp_dir().join(format!("ringload-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join("k6")).unwrap();
        std::fs::write(path.join("k6/config.json"), text).unwrap();
        ConfigFile(path)
    }

    fn path(&self) -> String {
        self.0.join("k6/config.json").display().to_string()
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_configuration_file_is_below_the_script() {
    let file =
        ConfigFile::new("precedence", r#"{"batch": 7, "throw": true, "iterations": 9, "linger": true}"#);
    let (path, directory) = (file.path(), file.0.display().to_string());
    let shared = |iterations| Executor::SharedIterations { vus: 1, iterations, max_duration: seconds(600) };
    let want = |batch, iterations| RunCommand {
        script: ScriptSettings { batch, throw: true, ..ScriptSettings::default() },
        scenarios: vec![scenario(shared(iterations))],
        linger: true,
        ..plain_script()
    };
    check_script(&["--config", &path], &[], "{}", want(7, 9));
    check_script(&[], &[("K6_CONFIG", &path)], "{}", want(7, 9));
    check_script(&[], &[("XDG_CONFIG_HOME", &directory)], "{}", want(7, 9));
    check_script(&["-c", &path], &[], r#"{"batch": 3, "iterations": 2}"#, want(3, 2));
    check_script(&["-c", &path], &[("K6_BATCH", "4")], r#"{"batch": 3}"#, want(4, 9));
    check_script(&["-c", &path, "--batch", "5", "-i", "8"], &[("K6_BATCH", "4")], "{}", want(5, 8));
    check_script(&[], &[("XDG_CONFIG_HOME", "/nonexistent")], "{}", plain_script());
    check_script_refused(
        &["-c", "/nonexistent.json"],
        &[],
        "{}",
        "failed to load the configuration file from the local file system: stat /nonexistent.json: no such file or directory",
        104,
    );
    let broken = ConfigFile::new("broken", r#"{"vus": "x"}"#);
    let message = format!(
        "couldn't parse the configuration from \"{}\": strconv.ParseInt: parsing \"x\": invalid syntax",
        broken.path()
    );
    check_script_refused(&["-c", &broken.path()], &[], "{}", &message, 104);
}

const SCENARIOS: &str = r#"{"scenarios": {
    "b": {"executor": "per-vu-iterations", "exec": "browse", "startTime": "1s", "gracefulStop": "0s"},
    "c": {"executor": "constant-vus", "duration": "3s", "tags": {"t": "1"}, "env": {"A": "2"}}
}}"#;

#[test]
fn scenarios_are_run_in_the_order_of_their_beginning() {
    let b = Scenario {
        name: "b".to_owned(),
        exec: Some("browse".to_owned()),
        start_time: seconds(1),
        graceful_stop: seconds(0),
        ..plain_script().scenarios.remove(0)
    };
    let c = Scenario {
        name: "c".to_owned(),
        tags: pairs(&[("t", "1")]).into_iter().collect(),
        env: pairs(&[("A", "2")]).into_iter().collect(),
        ..scenario(Executor::ConstantVus { vus: 1, duration: seconds(3) })
    };
    check_script(&[], &[], SCENARIOS, RunCommand { scenarios: vec![c, b], ..plain_script() });
}

#[test]
fn whoever_replaces_the_scenarios_is_told_so() {
    let shared = |vus, iterations, warning: &str| RunCommand {
        scenarios: vec![scenario(Executor::SharedIterations { vus, iterations, max_duration: seconds(600) })],
        script: ScriptSettings { warnings: vec![warning.to_owned()], ..ScriptSettings::default() },
        ..plain_script()
    };
    let overrode =
        |level: &str| format!("\"{level}\" level configuration overrode scenarios configuration entirely");
    check_script(&["-i", "4"], &[], SCENARIOS, shared(1, 4, &overrode("cli")));
    check_script(&[], &[("K6_ITERATIONS", "3")], SCENARIOS, shared(1, 3, &overrode("env")));
    let vus = "`vus=5` overrides scenarios configuration";
    check_script(&["-u", "5"], &[], SCENARIOS, shared(5, 5, vus));
}

#[test]
fn the_environment_of_a_script_is_that_of_the_machine_and_what_is_given() {
    let check = |flags: &[&str], env: &[(&str, &str)], want: &[(&str, &str)]| {
        let got = complete(flags, env, "{}").unwrap().script.env;
        assert_eq!(got, pairs(want).into_iter().collect(), "{flags:?} {env:?}");
    };
    let machine = [("HOME", "/root"), ("A", "1")];
    check(&[], &machine, &machine);
    check(&["-e", "A=2=3", "--env", "B"], &machine, &[("HOME", "/root"), ("A", "2=3"), ("B", "")]);
    check(&["-e", "A=2", "--include-system-env-vars=false"], &machine, &[("A", "2")]);
    let without = ("K6_INCLUDE_SYSTEM_ENV_VARS", "f");
    check(&["-e", "A=2"], &[machine[0], without], &[("A", "2")]);
    check(&["--include-system-env-vars"], &[without], &[without]);
    for name in ["", "1A", "A-B", "A B"] {
        let message = format!("invalid environment variable name '{name}'");
        check_script_refused(&["-e", &format!("{name}=x")], &[], "{}", &message, 255);
    }
}

#[test]
fn a_given_variable_is_an_option_too_while_the_environment_is_included() {
    let vus = |flags: &[&str]| {
        let got = complete(flags, &[("K6_VUS", "2")], "{}").unwrap();
        got.scenarios[0].executor.clone()
    };
    let shared = |vus| Executor::SharedIterations { vus, iterations: vus, max_duration: seconds(600) };
    assert_eq!(vus(&["-e", "K6_VUS=3"]), shared(3));
    assert_eq!(vus(&["-e", "K6_VUS=3", "--include-system-env-vars=false"]), shared(2));
    // Not for what is decided before the script is loaded.
    check_script(&["-e", "K6_SUMMARY_MODE=full"], &[], "{}", plain_script());
    let message = "K6_PAUSED is not supported yet; see docs/k6-compat.md";
    check_script_refused(&["-e", "K6_PAUSED=true"], &[], "{}", message, 104);
}

#[test]
fn mistakes_of_scripts_have_k6s_texts_and_exit_statuses() {
    let problems =
        |text: &str| format!("There were problems with the specified script configuration:\n\t- {text}");
    check_script_refused(
        &[],
        &[],
        r#"{"scenarios": {"a": {"executor": "constant-vus"}}}"#,
        &problems("scenario a has configuration errors: the duration is unspecified"),
        104,
    );
    check_script_refused(
        &["--vus", "2", "--duration", "1s", "--stage", "1s:2"],
        &[],
        "{}",
        "using `duration` and `stages` options simultaneously is not allowed",
        104,
    );
    check_script_refused(
        &["--vus", "5", "--iterations", "2"],
        &[],
        "{}",
        &problems(
            "scenario default has configuration errors: the number of iterations (2) can't be less than the number of VUs (5)",
        ),
        104,
    );
    check_script_refused(
        &["--vus", "0", "--iterations", "1"],
        &[],
        "{}",
        &problems("scenario default has configuration errors: the number of VUs must be more than 0"),
        104,
    );
    check_script_refused(
        &[],
        &[],
        r#"{"setupTimeout": 0, "scenarios": {"a": {"executor": "per-vu-iterations", "exec": "nope"}}}"#,
        &problems("setupTimeout must be positive\n\t- executor a: function 'nope' not found in exports"),
        104,
    );
    let nodefault = LoadedScript { layer: Layer::default(), is_exported: &|_| false };
    assert_eq!(
        complete_script(request(&[], &[]).unwrap(), nodefault).unwrap_err().message,
        problems("executor default: function 'default' not found in exports")
    );
    for (options, message) in [
        (r#"["x"]"#, "invalid trend stat 'x', unknown format"),
        (r#"["p(101)"]"#, "invalid percentile trend stat value 'p(101)', provide a number between 0 and 100"),
    ] {
        let options = format!(r#"{{"summaryTrendStats": {options}}}"#);
        check_script_refused(&[], &[], &options, message, 255);
        complete(&["--summary-trend-stats=avg"], &[], &options).unwrap();
    }
    check_script_refused(
        &[],
        &[],
        r#"{"batch": 0}"#,
        "the `batch` option must be more than 0, but is 0",
        104,
    );
    check_script_refused(
        &[],
        &[("K6_NO_SETUP", "1")],
        "{}",
        "envconfig.Process: assigning K6_NO_SETUP to NoSetup: converting '1' to type null.Bool. details: invalid input:1",
        104,
    );
    check_script_refused(
        &[],
        &[("K6_NO_THRESHOLDS", "maybe")],
        "{}",
        "env var 'K6_NO_THRESHOLDS' is not a valid boolean value: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        104,
    );
    check_script_refused(
        &["--rps", "x"],
        &[],
        "{}",
        "invalid argument \"x\" for \"--rps\" flag: strconv.ParseInt: parsing \"x\": invalid syntax",
        255,
    );
    check_script_refused(
        &["--min-iteration-duration", "5"],
        &[],
        "{}",
        "invalid argument \"5\" for \"--min-iteration-duration\" flag: time: missing unit in duration \"5\"",
        255,
    );
}

#[test]
fn a_bad_flag_is_told_before_a_missing_script() {
    let message =
        "invalid argument \"x\" for \"--rps\" flag: strconv.ParseInt: parsing \"x\": invalid syntax";
    check_refused(&["run", "nothere.js", "--rps", "x"], &[], message, 255);
}

#[test]
fn a_script_may_come_from_standard_input() {
    let Ok(Command::Run(request)) = parsed(&["run", "-"], &[]) else { panic!() };
    assert_eq!(request.source, Source::Script("-".to_owned()));
}

#[test]
fn what_means_nothing_to_the_source_is_refused_by_name() {
    // A value that the flag takes, so that only its meaning is at fault.
    let value = |name: &str| match name {
        "header" => "A: b",
        "timeout" | "min-iteration-duration" => "1s",
        "env" => "A=1",
        _ => "1",
    };
    for flag in flags::RUN {
        let (argument, why) = match flag.takes {
            flags::Takes::Both => continue,
            flags::Takes::Url => (SCRIPT, "means nothing to a script: it is for a URL"),
            flags::Takes::Script => (URL, "means nothing to a URL: it is for a script"),
        };
        if !flag.name.is_empty() {
            let given = format!("--{}={}", flag.name, value(flag.name));
            let message = format!("--{} {why}", flag.name);
            check_refused(&["run", &given, argument], &[], &message, 255);
        }
        if !flag.env.is_empty() {
            let message = format!("{} {why}", flag.env);
            check_refused(&["run", argument], &[(flag.env, "1")], &message, 104);
            // An empty one is an unset one.
            parsed(&["run", argument], &[(flag.env, "")]).unwrap();
        }
    }
}

#[test]
fn the_options_are_shown_to_the_script_as_they_ended_up() {
    let got = complete(&["-i", "4"], &[("K6_SETUP_TIMEOUT", "5s")], r#"{"vus": 2, "duration": "1m"}"#);
    let script = got.unwrap().script;
    assert!(script.script_options.starts_with(r#"{"vus":2,"iterations":4,"#), "{}", script.script_options);
    assert!(script.test_options.contains(r#""setupTimeout":"5s""#), "{}", script.test_options);
    assert!(
        script.test_options.contains(r#""executor":"shared-iterations""#)
            && script.test_options.contains(r#""vus":2,"iterations":4,"maxDuration":null"#),
        "{}",
        script.test_options
    );
}
