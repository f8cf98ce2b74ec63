//! What is refused, in which words, and with which exit status.

use super::*;

#[test]
fn mistakes_k6_knows_have_its_texts_and_exit_statuses() {
    let config = |problem: &str| {
        format!(
            "There were problems with the specified script configuration:\n\t- scenario default has configuration errors: {problem}"
        )
    };
    let no_argument = "accepts 1 arg(s), received 0: arg should either be \"-\", if reading script from stdin, or a path to a script file";
    let missing = "The moduleSpecifier \"nothere.js\" couldn't be found on local disk. Make sure that you've specified the right path to the file. If you're running k6 using the Docker image make sure you have mounted the local directory (-v /local/path/:/inside/docker/path) containing your script and modules so that they're accessible by k6 from inside of the container, see https://grafana.com/docs/k6/latest/using-k6/modules/#use-modules-with-docker.";
    check_refused(&["frobnicate"], &[], "unknown command \"frobnicate\" for \"ringload\"", 255);
    check_refused(&["run"], &[], no_argument, 255);
    check_refused(&["run", URL, URL], &[], &no_argument.replace("received 0", "received 2"), 255);
    check_refused(&["run", "nothere.js"], &[], missing, 255);
    check_refused(&["run", "--nope", URL], &[], "unknown flag: --nope", 255);
    check_refused(&["run", "--nope=1", URL], &[], "unknown flag: --nope", 255);
    check_refused(&["run", "-qz", URL], &[], "unknown shorthand flag: 'z' in -qz", 255);
    check_refused(&["run", URL, "--vus"], &[], "flag needs an argument: --vus", 255);
    check_refused(&["run", URL, "-u"], &[], "flag needs an argument: 'u' in -u", 255);
    check_refused(
        &["run", "--vus", "abc", URL],
        &[],
        "invalid argument \"abc\" for \"-u, --vus\" flag: strconv.ParseInt: parsing \"abc\": invalid syntax",
        255,
    );
    check_refused(
        &["run", "--vus=", URL],
        &[],
        "invalid argument \"\" for \"-u, --vus\" flag: strconv.ParseInt: parsing \"\": invalid syntax",
        255,
    );
    check_refused(
        &["run", "-d", "30", URL],
        &[],
        "invalid argument \"30\" for \"-d, --duration\" flag: time: missing unit in duration \"30\"",
        255,
    );
    check_refused(
        &["run", "-d", "2d", URL],
        &[],
        "invalid argument \"2d\" for \"-d, --duration\" flag: time: unknown unit \"d\" in duration \"2d\"",
        255,
    );
    check_refused(
        &["run", "-q=maybe", URL],
        &[],
        "invalid argument \"maybe\" for \"-q, --quiet\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        255,
    );
    check_refused(&["run", "-s", ":5", URL], &[], "stage 0 doesn't have a specified duration", 255);
    check_refused(&["run", "--tag", "a", URL], &[], "error parsing tag 'a': invalid tag, empty value", 255);
    check_refused(
        &["run", "--execution-segment", "2/3:1/3", URL],
        &[],
        "segment start(0.67) must be less than its end(0.33)",
        255,
    );
    check_refused(
        &["run", "--execution-segment", "1/2", "--execution-segment-sequence", "0,2/3,1", URL],
        &[],
        "There were problems with the specified script configuration:\n\t- provided segment 0:1/2 can't be found in sequence 0,2/3,1",
        104,
    );
    check_refused(
        &["run", "--blacklist-ip", "10.0.0.1", URL],
        &[],
        "error parsing blacklist-ip '10.0.0.1': invalid CIDR address: 10.0.0.1",
        255,
    );
    check_refused(
        &["run", "--block-hostnames", "a.*", URL],
        &[],
        "error parsing block-hostnames: invalid hostname pattern 'a.*'",
        255,
    );
    check_refused(
        &["run", URL],
        &[("K6_BLACKLIST_IPS", "10.0.0.1")],
        "envconfig.Process: assigning K6_BLACKLIST_IPS to BlacklistIPs: converting '10.0.0.1' to type []*lib.IPNet. details: invalid CIDR address: 10.0.0.1",
        104,
    );
    check_refused(&["run", "--dns", "ttl", URL], &[], "no value for key ttl", 255);
    check_refused(
        &["run", "--summary-trend-stats", "avg,p(101)", URL],
        &[],
        "invalid percentile trend stat value 'p(101)', provide a number between 0 and 100",
        255,
    );
    check_refused(
        &["run", "--vus", "2", "--duration", "1s", "--stage", "1s:2", URL],
        &[],
        "using `duration` and `stages` options simultaneously is not allowed",
        104,
    );
    check_refused(
        &["run", "--vus", "5", "--iterations", "2", URL],
        &[],
        &config("the number of iterations (2) can't be less than the number of VUs (5)"),
        104,
    );
    check_refused(
        &["run", "--vus", "0", "--iterations", "1", URL],
        &[],
        &config("the number of VUs must be more than 0"),
        104,
    );
    check_refused(&["run", "--vus", "-1", URL], &[], &config("the number of VUs must be more than 0"), 104);
    check_refused(&["run", "-s", "30s", URL], &[], &config("stage 1 doesn't have a target"), 104);
    check_refused(
        &["run", URL],
        &[("K6_VUS", "abc")],
        "envconfig.Process: assigning K6_VUS to VUs: converting 'abc' to type null.Int. details: strconv.ParseInt: parsing \"abc\": invalid syntax",
        104,
    );
    check_refused(
        &["run", URL],
        &[("K6_NO_CONNECTION_REUSE", "1")],
        "envconfig.Process: assigning K6_NO_CONNECTION_REUSE to NoConnectionReuse: converting '1' to type null.Bool. details: invalid input:1",
        104,
    );
    check_refused(
        &["run", URL],
        &[("K6_NO_SUMMARY", "maybe")],
        "env var 'K6_NO_SUMMARY' is not a valid boolean value: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        104,
    );
    check_refused(
        &["run", URL],
        &[("K6_DURATION", "abc")],
        "envconfig.Process: assigning K6_DURATION to Duration: converting 'abc' to type types.NullDuration. details: time: invalid duration \"abc\"",
        104,
    );
}

#[test]
fn our_own_flags_are_refused_with_a_reason() {
    for (flag, value, why) in [
        ("--pipeline", "0", "must be from 1 to 1024"),
        ("--pipeline", "1025", "must be from 1 to 1024"),
        ("--workers", "0", "must be from 1 to 1024"),
        ("--transport", "tcp", "use auto, uring or epoll"),
        ("--spin", "yes", "use auto, on or off"),
        ("--timeout", "0s", "the timeout must be more than 0"),
        ("--timeout", "5", "time: missing unit in duration \"5\""),
        ("--rate", "fast", "\"fast\" is no number of starts: write 500, 50k, 1.5k or 2M"),
        ("--user-agent", "a\nb", "a header value cannot hold control characters"),
    ] {
        let message = format!("invalid argument {value:?} for \"{flag}\" flag: {why}");
        check_refused(&["run", flag, value, URL], &[], &message, 255);
    }
    check_refused(
        &["run", "-H", "Accept", URL],
        &[],
        "invalid argument \"Accept\" for \"-H, --header\" flag: write it as 'Name: value'",
        255,
    );
    check_refused(
        &["run", URL],
        &[("RINGLOAD_WORKERS", "many")],
        "invalid value \"many\" of RINGLOAD_WORKERS: strconv.ParseInt: parsing \"many\": invalid syntax",
        104,
    );
    check_refused(
        &["run", "--pipeline=2", "--no-connection-reuse", URL],
        &[],
        "a `pipeline` needs connections that `no-connection-reuse` forbids",
        104,
    );
    check_refused(
        &["run", "--rate=5", "-i", "3", URL],
        &[],
        "using `iterations` and `rate` options simultaneously is not allowed",
        104,
    );
}

#[test]
fn a_bad_summary_form_is_refused_whoever_asks_for_it() {
    #[track_caller]
    fn starts(args: &[&str], env: &[(&str, &str)], start: &str) {
        let refusal = completed(args, env).unwrap_err();
        assert!(refusal.message.starts_with(start), "{}", refusal.message);
        assert_eq!(refusal.exit_code, 255);
    }
    starts(&["run", "--summary-mode=nope", URL], &[], "invalid summary mode");
    starts(&["run", URL], &[("K6_SUMMARY_MODE", "nope")], "invalid summary mode");
    starts(&["run", "--summary-time-unit=ns", URL], &[], "invalid summary time unit");
}

#[test]
fn what_cannot_be_honoured_yet_is_refused_by_name() {
    for flag in flags::RUN.iter().filter(|flag| flag.status == flags::Status::Refused) {
        if !flag.env.is_empty() {
            let message = format!("{} is not supported yet; see docs/k6-compat.md", flag.env);
            check_refused(&["run", URL], &[(flag.env, "1")], &message, 104);
        }
        if !flag.name.is_empty() {
            let message = format!("--{} is not supported yet; see docs/k6-compat.md", flag.name);
            let argument = format!("--{}=1", flag.name);
            check_refused(&["run", &argument, URL], &[], &message, 255);
            check_refused(&["demo", &argument], &[], &message, 255);
        }
    }
    let message = "--address is not supported yet; see docs/k6-compat.md";
    check_refused(&["-a", "0.0.0.0:6565", "run", URL], &[], message, 255);
    let message = "--http-debug is not supported yet; see docs/k6-compat.md";
    check_refused(&["run", "--http-debug", URL], &[], message, 255);
    let message = "the command \"archive\" is not supported yet; see docs/k6-compat.md";
    check_refused(&["archive", "x.js"], &[], message, 255);
}

#[test]
fn an_argument_that_is_no_http_url_is_refused_with_what_to_do() {
    check_refused(&["run", "HTTPS://"], &[], "invalid URL \"HTTPS://\": empty host", 255);
    check_refused(
        &["run", "localhost:8080/x"],
        &[],
        "\"localhost:8080/x\" is neither a file nor a URL: write http://localhost:8080/x",
        255,
    );
    check_refused(&["run", "http://"], &[], "invalid URL \"http://\": empty host", 255);
    check_refused(
        &["run", "http://a.test:99999/"],
        &[],
        "invalid URL \"http://a.test:99999/\": invalid port number",
        255,
    );
    check_refused(
        &["http://a.test/"],
        &[],
        "unknown command \"http://a.test/\" for \"ringload\"; write ringload run http://a.test/",
        255,
    );
}
