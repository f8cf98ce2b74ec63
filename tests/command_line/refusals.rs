//! What cannot be run is refused before the first packet, with a message and k6's exit status.

use crate::peer::Peer;
use crate::program::{RINGLOAD, command, ringload, run, skip};

/// `{}` in `args` stands for the URL of a server, which must not be visited.
#[track_caller]
fn check(args: &[&str], code: i32, message_start: &str) {
    check_with(args, &[], code, message_start);
}

#[track_caller]
fn check_with(args: &[&str], env: &[(&str, &str)], code: i32, message_start: &str) {
    let peer = Peer::silent();
    let args: Vec<String> = args.iter().map(|arg| arg.replace("{}", &peer.url())).collect();
    let mut command = ringload(&args.iter().map(String::as_str).collect::<Vec<_>>());
    command.envs(env.iter().copied());
    let ended = run(command);
    let message = ended.last_message();
    assert!(message.starts_with(message_start), "{args:?}: {}", ended.stderr);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{args:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(" level=error "), "{}", ended.stderr);
    assert_eq!(peer.visitors().len(), 0, "{args:?}");
}

#[test]
fn a_bad_command_line_is_refused() {
    check(&["run", "--nope", "{}"], 255, "unknown flag: --nope");
    check(&["run", "-d", "30", "{}"], 255, "invalid argument \"30\" for \"-d, --duration\" flag");
    check(&["run", "-u", "many", "{}"], 255, "invalid argument \"many\" for \"-u, --vus\" flag");
    check(&["run"], 255, "accepts 1 arg(s), received 0");
    check(&["run", "{}", "{}"], 255, "accepts 1 arg(s), received 2");
    check(&["{}"], 255, "unknown command");
    check(&["run", "{}", "-i5", "--rate=3"], 104, "using `iterations` and `rate` options simultaneously");
    check(&["run", "{}", "-u5", "-i2"], 104, "There were problems with the specified script configuration");
    check(
        &["run", "{}", "-o", "influxdb=http://a"],
        255,
        "output type 'influxdb' is not supported yet, available types",
    );
    check(
        &["run", "{}", "-o", "foo=x"],
        255,
        "invalid output type 'foo', available types are: csv, json, junit",
    );
    check(
        &["run", "{}", "-o", "json=/nowhere/o.json"],
        255,
        "could not create the 'json' output: cannot write to /nowhere/o.json",
    );
    check(&["run", "{}", "-o", "junit=/nowhere/j.xml"], 255, "could not create the 'junit' output: cannot");
    check(&["run", "{}", "-o", "csv=a=b"], 255, "could not create the 'csv' output: unknown key \"a\"");
    check(&["run", "{}", "--log-output=nope"], 255, "unsupported log output 'nope'");
    check(&["run", "{}", "--log-output=file=/nowhere/a.log"], 255, "cannot write the log to /nowhere/a.log");
    check(
        &["run", "{}", "-o", "timeline"],
        255,
        "could not create the 'timeline' output: it needs the name of a file",
    );
    check(
        &["run", "{}", "-o", "timeline=/nowhere/t.json"],
        255,
        "could not create the 'timeline' output: cannot write to /nowhere/t.json",
    );
    check(
        &["target", "--listen", "nowhere:80"],
        255,
        "invalid argument \"nowhere:80\" for \"--listen\" flag",
    );
    check(&["target", "--listen", "192.0.2.1:80"], 255, "cannot listen on 192.0.2.1:80");
}

#[test]
fn a_bad_variable_is_refused() {
    check_with(&["run", "{}"], &[("K6_VUS", "many")], 104, "envconfig.Process: assigning K6_VUS to VUs");
    check_with(&["run", "{}"], &[("K6_OUT", "influxdb")], 255, "output type 'influxdb' is not supported yet");
    check_with(
        &["run", "{}"],
        &[("RINGLOAD_PIPELINE", "0")],
        104,
        "invalid value \"0\" of RINGLOAD_PIPELINE",
    );
}

#[test]
fn what_is_neither_an_http_url_nor_a_script_is_refused() {
    check(&["run", "http://"], 255, "invalid URL \"http://\": empty host");
    check(&["run", "http://127.0.0.1:99999/"], 255, "invalid URL");
    check(&["run", "https://127.0.0.1:99999/"], 255, "invalid URL");
    check(&["run", "Cargo.toml"], 107, "could not initialize 'Cargo.toml': could not load JS test 'file:///");
    check(&["run", "nothere.js"], 255, "The moduleSpecifier \"nothere.js\" couldn't be found on local disk.");
    // Of nothing at all.
    check(&["run", "-"], 255, "no exported functions in script");
    // RFC 6761 §6.4: no resolver may know this name.
    check(&["run", "http://name.invalid/"], 104, "cannot resolve the host \"name.invalid\"");
}

#[test]
fn files_are_opened_first() {
    check(&["run", "{}", "-b", "@/nowhere/body"], 104, "cannot read the body from /nowhere/body");
    check(
        &["run", "{}", "--summary-export=/nowhere/s.json"],
        255,
        "cannot write the summary to /nowhere/s.json",
    );
    check(&["run", "{}", "--summary-export=/"], 255, "cannot write the summary to /");
}

#[test]
fn too_few_descriptors_are_noticed_before_the_run() {
    let limited = ["-c", "ulimit -n 100; exec \"$@\"", "sh", RINGLOAD, "run"];
    // Root raises any limit unless that right is taken away first.
    let drop_right = ["--bounding-set=-sys_resource", "sh"];
    let probe = [&drop_right[..], &["-c", "ulimit -n 100; ! ulimit -n 200"]].concat();
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let (program, before) = match is_root {
        false => ("sh", &[][..]),
        true if !can_run("setpriv", &probe) => {
            return skip("root, and no setpriv(1) to take the right to raise limits away");
        }
        true => ("setpriv", &drop_right[..]),
    };
    let peer = Peer::silent();
    let url = peer.url();
    let ended = run(command(program, &[before, &limited, &[&url, "-u60", "-d1s"]].concat()));
    let message = "the VUs may need 124 open files, but the limit is 100\n  \
                   fix: raise it (`ulimit -n 124`), or use at most 36 VUs";
    assert_eq!((ended.code, ended.last_message().as_str()), (Some(255), message), "{}", ended.stderr);
    assert_eq!(peer.visitors().len(), 0);

    let peer = Peer::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    let url = peer.url();
    let ended = run(command(program, &[before, &limited, &[&url, "-u36", "-i360"]].concat()));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "what fits, runs");
    assert_eq!((peer.visitors().len(), peer.requests().len()), (36, 360));
}

fn can_run(program: &str, args: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    command.args(args).stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_search_that_cannot_be_made_is_refused() {
    check(&["breakpoint", "{}", "--width=90%"], 255, "invalid argument \"90%\" for \"--width\" flag");
    check(&["breakpoint", "{}", "--arrivals=x"], 255, "invalid argument \"x\" for \"--arrivals\" flag");
    check(&["breakpoint", "{}", "--goal=nonsense"], 104, "failed parsing threshold expression \"nonsense\"");
    check(&["breakpoint", "{}", "--no-sleep"], 255, "--no-sleep means nothing for a URL");
    check(&["breakpoint", "{}", "--scenario=x"], 255, "--scenario means nothing for a URL");
    check(&["breakpoint", "{}", "--json=/nowhere/x"], 255, "cannot write to /nowhere/x");
}
