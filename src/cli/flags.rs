//! The one table of flags and variables: clap's arguments, the environment, refusals and help come
//! from it, and `tests/k6_compat.rs` holds `docs/k6-compat.md` to it.
//!
//! Every flag and variable of `k6 run` is here. What ringload cannot honour yet is refused by name
//! rather than ignored: a run that differs silently from what was asked for is worse than none.

use super::exit_code;
use std::sync::OnceLock;

/// A flag of `run`, `demo` or `target`, and its variable.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without dashes; empty for what only a variable can set.
    pub name: &'static str,
    pub short: Option<char>,
    /// Empty if there is none.
    pub env: &'static str,
    pub kind: Kind,
    /// Placeholder of the value in help.
    pub value_name: &'static str,
    pub help: &'static str,
    pub status: Status,
    /// What a run must load for the flag to have a meaning.
    pub takes: Takes,
    /// May also stand before the command, as k6's global flags may.
    pub before_command: bool,
    /// Field and type that k6 names when the variable is malformed; empty for our own.
    pub go: (&'static str, &'static str),
    /// Exit status for a malformed variable.
    pub env_exit_code: u8,
}

/// What follows the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `--flag` or `--flag=false`.
    Switch,
    /// `--flag value`; of several the last counts.
    Value,
    /// `--flag` or `--flag=value`.
    OptionalValue,
    /// Comma-separated, and repeatable.
    List,
    /// Repeatable, commas are text.
    Repeated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Supported,
    /// Known and refused.
    Refused,
    /// Asks for what ringload always does, so it is accepted.
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Both,
    Url,
    Script,
}

impl Flag {
    const fn new(name: &'static str, kind: Kind) -> Flag {
        Flag {
            name,
            short: None,
            env: "",
            kind,
            value_name: "",
            help: "",
            status: Status::Supported,
            takes: Takes::Both,
            before_command: false,
            go: ("", ""),
            env_exit_code: exit_code::INVALID_CONFIG,
        }
    }

    const fn value(name: &'static str, value_name: &'static str) -> Flag {
        Flag { value_name, ..Flag::new(name, Kind::Value) }
    }

    const fn list(name: &'static str, value_name: &'static str) -> Flag {
        Flag { value_name, ..Flag::new(name, Kind::List) }
    }

    const fn repeated(name: &'static str, value_name: &'static str) -> Flag {
        Flag { value_name, ..Flag::new(name, Kind::Repeated) }
    }

    const fn switch(name: &'static str) -> Flag {
        Flag { value_name: "BOOL", ..Flag::new(name, Kind::Switch) }
    }

    const fn refused(name: &'static str, kind: Kind, env: &'static str) -> Flag {
        Flag { env, status: Status::Refused, ..Flag::new(name, kind) }
    }

    const fn refused_variable(env: &'static str) -> Flag {
        Flag::refused("", Kind::Value, env)
    }

    const fn short(self, short: char) -> Flag {
        Flag { short: Some(short), ..self }
    }

    const fn env(self, env: &'static str) -> Flag {
        Flag { env, ..self }
    }

    /// A variable that k6 reads into this field of its options.
    const fn k6_env(self, env: &'static str, field: &'static str, go_type: &'static str) -> Flag {
        Flag { env, go: (field, go_type), ..self }
    }

    const fn env_exit_code(self, env_exit_code: u8) -> Flag {
        Flag { env_exit_code, ..self }
    }

    const fn for_url(self) -> Flag {
        Flag { takes: Takes::Url, ..self }
    }

    const fn for_script(self) -> Flag {
        Flag { takes: Takes::Script, ..self }
    }

    const fn help(self, help: &'static str) -> Flag {
        Flag { help, ..self }
    }

    const fn before_command(self) -> Flag {
        Flag { before_command: true, ..self }
    }

    /// `-u, --vus`, as k6 and its documentation write it.
    pub fn display(&self) -> String {
        match self.short {
            Some(short) => format!("-{short}, --{}", self.name),
            None => format!("--{}", self.name),
        }
    }
}

/// Flags and variables of `run` and `demo`.
pub const RUN: &[Flag] = &[
    // How much load.
    Flag::value("vus", "N").short('u').k6_env("K6_VUS", "VUs", "null.Int").help(
        "Virtual users [default: 1 for a script; 10 for a URL, or the number of iterations if that is less; with --stage: 1]",
    ),
    Flag::value("duration", "DURATION")
        .short('d')
        .k6_env("K6_DURATION", "Duration", "types.NullDuration")
        .help("How long to load, e.g. 30s or 1m30s [default: 10s for a URL]"),
    Flag::value("iterations", "N")
        .short('i')
        .k6_env("K6_ITERATIONS", "Iterations", "null.Int")
        .help("Number of iterations shared among the VUs, instead of a duration"),
    Flag::list("stage", "DURATION:VUS")
        .short('s')
        .k6_env("K6_STAGES", "Stages", "[]lib.Stage")
        .help("Ramp the VUs linearly, e.g. 30s:100,1m:0; repeatable"),
    Flag::value("rate", "RATE").for_url().env("RINGLOAD_RATE").help(
        "Open loop: N[/unit] starts (500, 50k, 10/m), or A:B[/unit] for a ramp over the duration; late or dropped starts are counted, never forgiven",
    ),
    Flag::value("max-vus", "N").for_url().env("RINGLOAD_MAX_VUS").help(
        "With --rate: VUs that may be in use at once [default: starts a second, from --vus to 10000]",
    ),
    Flag::value("execution-segment", "FROM:TO")
        .help("Run only this part of the test, e.g. 10%, 1/3:2/3 or 0.5:1 [default: all of it]"),
    Flag::value("execution-segment-sequence", "POINTS")
        .help("Where all instances of the test divide it, e.g. 0,1/3,2/3,1"),
    // The request.
    Flag::value("method", "METHOD").for_url()
        .short('X')
        .env("RINGLOAD_METHOD")
        .help("HTTP method [default: GET, or POST with --body]"),
    Flag::repeated("header", "NAME: VALUE").for_url()
        .short('H')
        .env("RINGLOAD_HEADER")
        .help("Add a request header; repeatable (one a line in the variable)"),
    Flag::value("body", "TEXT|@FILE").for_url()
        .short('b')
        .env("RINGLOAD_BODY")
        .help("Request body: the text, or a file's content"),
    Flag::value("timeout", "DURATION").for_url().env("RINGLOAD_TIMEOUT").help("Limit of one request [default: 60s]"),
    Flag::value("user-agent", "TEXT")
        .k6_env("K6_USER_AGENT", "UserAgent", "null.String")
        .help("User-Agent header; empty sends none"),
    Flag::switch("discard-response-bodies")
        .k6_env("K6_DISCARD_RESPONSE_BODIES", "DiscardResponseBodies", "null.Bool")
        .help("Count response bodies, do not keep them"),
    // What a script does.
    Flag::value("config", "FILE")
        .short('c')
        .for_script()
        .before_command()
        .env("K6_CONFIG")
        .help("Options as JSON, below those of the script [default: k6/config.json in ~/.config, if it is there]"),
    Flag::repeated("env", "NAME=VALUE")
        .short('e')
        .for_script()
        .help("Set a variable of __ENV; repeatable"),
    Flag::value("module-dir", "DIR")
        .env("RINGLOAD_MODULE_DIR")
        .for_script()
        .help("Where modules of https:// imports are, as DIR/host/path"),
    Flag::switch("include-system-env-vars")
        .env("K6_INCLUDE_SYSTEM_ENV_VARS")
        .for_script()
        .help("Put the environment into __ENV [default: true]"),
    Flag::switch("no-setup").k6_env("K6_NO_SETUP", "NoSetup", "null.Bool").for_script().help("Skip setup()"),
    Flag::switch("no-teardown")
        .k6_env("K6_NO_TEARDOWN", "NoTeardown", "null.Bool")
        .for_script()
        .help("Skip teardown()"),
    Flag::new("", Kind::Value)
        .k6_env("K6_SETUP_TIMEOUT", "SetupTimeout", "types.NullDuration")
        .for_script(),
    Flag::new("", Kind::Value)
        .k6_env("K6_TEARDOWN_TIMEOUT", "TeardownTimeout", "types.NullDuration")
        .for_script(),
    Flag::new("", Kind::Value)
        .k6_env("K6_HANDLE_SUMMARY_TIMEOUT", "HandleSummaryTimeout", "types.NullDuration")
        .for_script(),
    Flag::switch("no-thresholds").env("K6_NO_THRESHOLDS").for_script().help("Ignore the script's thresholds"),
    Flag::value("min-iteration-duration", "DURATION")
        .k6_env("K6_MIN_ITERATION_DURATION", "MinIterationDuration", "types.NullDuration")
        .for_script()
        .help("Let no iteration of a VU be shorter"),
    Flag::switch("throw")
        .short('w')
        .k6_env("K6_THROW", "Throw", "null.Bool")
        .for_script()
        .help("Throw an exception for a failed request"),
    Flag::value("rps", "N")
        .k6_env("K6_RPS", "RPS", "null.Int")
        .for_script()
        .help("At most so many requests a second [default: no limit]"),
    Flag::value("max-redirects", "N")
        .k6_env("K6_MAX_REDIRECTS", "MaxRedirects", "null.Int")
        .for_script()
        .help("Redirects that a request follows [default: 10]"),
    Flag::value("batch", "N")
        .k6_env("K6_BATCH", "Batch", "null.Int")
        .for_script()
        .help("Requests of one http.batch() in flight at once [default: 20]"),
    Flag::value("batch-per-host", "N")
        .k6_env("K6_BATCH_PER_HOST", "BatchPerHost", "null.Int")
        .for_script()
        .help("The same for each host; 0: no limit of its own [default: 6]"),
    Flag::new("", Kind::Switch)
        .k6_env("K6_NO_COOKIES_RESET", "NoCookiesReset", "null.Bool")
        .for_script(),
    // Connections and the engine.
    Flag::value("pipeline", "N").for_url()
        .env("RINGLOAD_PIPELINE")
        .help("Requests in flight on one connection, 1 to 1024 [default: 1]"),
    Flag::switch("no-connection-reuse")
        .k6_env("K6_NO_CONNECTION_REUSE", "NoConnectionReuse", "null.Bool")
        .help("Open a new connection for each request"),
    Flag::switch("no-vu-connection-reuse")
        .k6_env("K6_NO_VU_CONNECTION_REUSE", "NoVUConnectionReuse", "null.Bool")
        .help("Close a VU's connections after each iteration"),
    Flag::list("blacklist-ip", "CIDR")
        .k6_env("K6_BLACKLIST_IPS", "BlacklistIPs", "[]*lib.IPNet")
        .help("Fail requests to these networks; repeatable"),
    Flag::list("block-hostnames", "PATTERN")
        .k6_env("K6_BLOCK_HOSTNAMES", "BlockedHostnames", "types.NullHostnameTrie")
        .help("Fail requests to these names, e.g. test.example or *.example; repeatable"),
    Flag::value("local-ips", "IPS")
        .k6_env("K6_LOCAL_IPS", "LocalIPs", "types.NullIPPool")
        .help("Source addresses for the VUs in turn: IPs, IP-IP ranges, CIDR networks"),
    Flag::value("dns", "ttl=T,select=S,policy=P")
        .k6_env("K6_DNS", "DNS", "types.DNSConfig")
        .help("How names are resolved [default: ttl=5m,select=random,policy=preferIPv4]"),
    Flag::switch("insecure-skip-tls-verify")
        .k6_env("K6_INSECURE_SKIP_TLS_VERIFY", "InsecureSkipTLSVerify", "null.Bool")
        .help("Accept any certificate of a server"),
    Flag::switch("tls-resumption")
        .env("RINGLOAD_TLS_RESUMPTION")
        .help("Resume TLS sessions, each VU its own [default: every handshake is a full one, as in k6]"),
    Flag::value("workers", "N")
        .env("RINGLOAD_WORKERS")
        .help("Threads, each on a CPU of its own [default: one a CPU, one CPU left to a local target]"),
    Flag::value("transport", "auto|uring|epoll")
        .env("RINGLOAD_TRANSPORT")
        .help("How bytes move [default: auto: io_uring where it is allowed]"),
    Flag::value("spin", "auto|on|off").env("RINGLOAD_SPIN").help("Burn CPU while waiting [default: auto]"),
    Flag::switch("linger")
        .short('l')
        .k6_env("K6_LINGER", "Linger", "null.Bool")
        .help("After the test wait for Ctrl-C before the summary"),
    // What is reported.
    Flag::repeated("tag", "NAME=VALUE")
        .k6_env("K6_TAGS", "RunTags", "map[string]string")
        .help("Add a tag to everything measured; repeatable"),
    Flag::list("system-tags", "NAMES")
        .for_script()
        .k6_env("K6_SYSTEM_TAGS", "SystemTags", "metrics.SystemTagSet")
        .help("Which of k6's own tags samples carry [default: all but ip, iter, ocsp_status and vu]"),
    Flag::value("summary-mode", "MODE")
        .env("K6_SUMMARY_MODE")
        .env_exit_code(exit_code::GENERIC)
        .help("compact, full, disabled, legacy or legacy-marks [default: compact]"),
    Flag::switch("no-summary").env("K6_NO_SUMMARY").help("Same as --summary-mode=disabled"),
    Flag::value("summary-export", "FILE").env("K6_SUMMARY_EXPORT").help("Write the summary as JSON"),
    Flag::switch("new-machine-readable-summary")
        .env("K6_NEW_MACHINE_READABLE_SUMMARY")
        .help("The export, and what handleSummary() is given, in k6's new form"),
    Flag::list("summary-trend-stats", "STATS")
        .k6_env("K6_SUMMARY_TREND_STATS", "SummaryTrendStats", "[]string")
        .env_exit_code(exit_code::GENERIC)
        .help("Statistics of times [default: avg,min,med,max,p(90),p(95)]"),
    Flag::repeated("out", "TYPE=ARGUMENT")
        .short('o')
        .env("K6_OUT")
        .env_exit_code(exit_code::GENERIC)
        .help(
            "Also write json[=FILE] or csv[=FILE] (every sample), timeline=FILE[?window=1s] (every 100 ms), \
             junit=FILE or markdown=FILE (thresholds and checks); repeatable",
        ),
    Flag::new("", Kind::Value).env("K6_CSV_FILENAME").env_exit_code(exit_code::GENERIC),
    Flag::new("", Kind::Value).env("K6_CSV_SAVE_INTERVAL").env_exit_code(exit_code::GENERIC),
    Flag::new("", Kind::Value).env("K6_CSV_TIME_FORMAT").env_exit_code(exit_code::GENERIC),
    Flag::value("report", "FILE")
        .env("RINGLOAD_REPORT")
        .help("Write a page of charts, HTML that opens without a network"),
    Flag::value("summary-time-unit", "s|ms|us")
        .env("K6_SUMMARY_TIME_UNIT")
        .help("One unit for all times of the summary"),
    Flag::switch("no-color").before_command().env("K6_NO_COLOR").help("No colours"),
    Flag::new("", Kind::Switch).env("NO_COLOR"),
    Flag::switch("quiet").short('q').before_command().help("Summary only: no banner, header or progress"),
    Flag::switch("verbose").short('v').before_command().help("Log debug messages"),
    Flag::value("log-format", "FORMAT")
        .before_command()
        .env("K6_LOG_FORMAT")
        .help("Form of log lines: json, raw or text [default: text]"),
    Flag::value("log-output", "WHERE")
        .before_command()
        .env("K6_LOG_OUTPUT")
        .env_exit_code(exit_code::GENERIC)
        .help("Where log lines go: stderr, stdout, none or file=PATH[,level=LEVEL] [default: stderr]"),
    Flag::value("console-output", "FILE")
        .k6_env("K6_CONSOLE_OUTPUT", "ConsoleOutput", "null.String")
        .for_script()
        .help("Append what the script's console logs to a file, and log it nowhere else"),
    Flag { status: Status::Always, ..Flag::switch("no-usage-report") }
        .env("K6_NO_USAGE_REPORT")
        .help("Accepted; ringload never reports its use to anyone"),
    // Known and refused: global flags.
    Flag::refused("address", Kind::Value, "K6_ADDRESS").short('a').before_command(),
    Flag::refused("profiling-enabled", Kind::Switch, "K6_PROFILING_ENABLED").before_command(),
    Flag::refused("secret-source", Kind::Repeated, "K6_SECRET_SOURCE").before_command(),
    // Script options.
    Flag::refused("paused", Kind::Switch, "K6_PAUSED").short('p'),
    Flag::refused("http-debug", Kind::OptionalValue, "K6_HTTP_DEBUG"),
    Flag::refused_variable("K6_METRIC_SAMPLES_BUFFER_SIZE"),
    Flag::refused_variable("K6_THRESHOLDS"),
    Flag::refused_variable("K6_HOSTS"),
    Flag::refused_variable("K6_TLSAUTH"),
    Flag::refused_variable("K6_TLS_CIPHER_SUITES"),
    // Runtime options.
    Flag::refused("compatibility-mode", Kind::Value, "K6_COMPATIBILITY_MODE"),
    Flag::refused("type", Kind::Value, "K6_TYPE").short('t'),
    Flag::refused("traces-output", Kind::Value, "K6_TRACES_OUTPUT"),
    // Run configuration.
    Flag::refused("features", Kind::Repeated, "K6_FEATURES"),
    Flag::refused_variable("K6_WEB_DASHBOARD"),
];

/// Flags of `target`. No variables: a target's behaviour should be readable off its command line.
pub const TARGET: &[Flag] = &[
    Flag::value("listen", "HOST:PORT")
        .help("Address to listen on; port 0 takes a free one [default: 127.0.0.1:8080]"),
    Flag::value("workers", "N").help("Threads [default: 1]"),
    Flag::value("transport", "auto|uring|epoll").help("How bytes move [default: auto]"),
    Flag::switch("json").help("Report as JSON"),
    Flag::value("duration", "DURATION").short('d').help("Stop after this time [default: at Ctrl-C]"),
    Flag::value("status", "N").help("Status of responses, 200 to 599 [default: 200]"),
    Flag::value("size", "BYTES").help("Size of bodies: 500, 100k (of 1024), 1m [default: 0]"),
    Flag::value("delay", "SPEC")
        .help("Delay of responses: 5ms, uniform:1ms-5ms, exp:5ms or bimodal:1ms,100ms,0.01"),
    Flag::value("fail", "SHARE[:STATUS]").help("Answer this share (0 to 1) with a failure [status: 500]"),
    Flag::switch("close").help("Close each connection after one response"),
    Flag::switch("chunked").help("Send bodies in chunks, without Content-Length"),
    Flag::value("capacity", "N").help("Serve at most N requests a second, all workers together [default: no limit]"),
    Flag::value("queue", "N").help(
        "Requests that may wait for the capacity; beyond them: 503 at once [default: as many as it serves in 1s]",
    ),
    Flag::value("collapse", "SHARE").help("Under overload only this share of the capacity is left, e.g. 0.5"),
    Flag::value("recover", "DURATION").help(
        "After a collapse: be whole again after so long without a queue [default: once the load is below the capacity]",
    ),
    Flag::value("pause", "DURATION:N").help("Stop for this time at every Nth request, e.g. 200ms:500"),
    Flag::value("backlog", "N").help("Connections that may wait to be accepted [default: 4096]"),
    Flag::value("accept-pause", "DURATION").help("Accept no connection for this time after the start"),
    Flag::switch("tls").help("Serve HTTPS, with a certificate made at the start"),
    Flag::value("tls-cert-out", "FILE")
        .help("With --tls: write the certificate there (PEM), e.g. for SSL_CERT_FILE"),
];

/// Flags of `breakpoint` besides those of `run` that it shares.
pub const BREAKPOINT: &[Flag] = &[
    Flag::repeated("goal", "GOAL").help(
        "What must hold: 'p(95)<200' (ms, from the scheduled start), 'rate<0.01' of failures, or \
         'METRIC:THRESHOLD'; repeatable, replaces the script's thresholds",
    ),
    Flag::value("max-rate", "RATE").help("Try no load above it: iterations a second, or N/UNIT"),
    Flag::value("max-time", "DURATION").help("End the search after this time [default: 10m]"),
    Flag::value("width", "SHARE").help("How far apart the bounds may be at the end [default: 2%]"),
    Flag::switch("strict").help("Confirm the limit for 60 s instead of 30 s"),
    Flag::switch("no-overload").help("Try nothing above the limit, and no recovery"),
    Flag::switch("no-sleep").for_script().help("Cut the script's sleep() to nothing"),
    Flag::value("arrivals", "uniform|poisson").help("Starts evenly or at random [default: uniform]"),
    Flag::value("vus-limit", "N").help("VUs at most [default: 10000 of a URL, 1000 of a script]"),
    Flag::value("scenario", "NAME").for_script().help("Which of the script's scenarios"),
    Flag::value("json", "FILE").help("Write the answer and every trial as JSON"),
    Flag::value("fail-below", "RATE").help("Exit with status 99 if the limit is below it"),
];

/// Those of `run` that mean something to a search; it decides how much is started, and when.
const SHARED_WITH_RUN: &[&str] = &[
    "method",
    "header",
    "body",
    "timeout",
    "user-agent",
    "discard-response-bodies",
    "config",
    "env",
    "include-system-env-vars",
    "module-dir",
    "no-setup",
    "no-teardown",
    "no-thresholds",
    "throw",
    "max-redirects",
    "batch",
    "batch-per-host",
    "no-connection-reuse",
    "no-vu-connection-reuse",
    "blacklist-ip",
    "block-hostnames",
    "local-ips",
    "dns",
    "insecure-skip-tls-verify",
    "tls-resumption",
    "workers",
    "transport",
    "spin",
    "tag",
    "no-color",
    "log-format",
    "log-output",
    "console-output",
    "quiet",
    "verbose",
];

fn breakpoint() -> &'static [Flag] {
    static ALL: OnceLock<Vec<Flag>> = OnceLock::new();
    ALL.get_or_init(|| {
        let shared = RUN.iter().filter(|flag| SHARED_WITH_RUN.contains(&flag.name));
        BREAKPOINT.iter().chain(shared).copied().collect()
    })
}

/// Flags of `new`.
pub const NEW: &[Flag] = &[
    Flag::switch("force").short('f').help("Overwrite an existing file"),
    Flag::value("template", "NAME").help("Only `minimal` [default: minimal]"),
];

/// Flags of `compare`.
pub const COMPARE: &[Flag] = &[
    Flag::repeated("fail-if", "CONDITION").help(
        "Exit with status 99 if this is true of B: 'http_req_duration.p(95)>+10%' or '<-5%' of A's value, \
         '>+20' more than A's, '>500' by itself; repeatable",
    ),
    Flag::switch("json").help("As JSON"),
];

/// Flags of `report`.
pub const REPORT: &[Flag] = &[Flag::value("out", "FILE")
    .short('o')
    .help("Where the page goes [default: beside TIMELINE.json, as .html]")];

/// Flags of `version`.
pub const VERSION: &[Flag] = &[Flag::switch("json").help("As JSON")];

/// Flags of a command; none for an unknown one.
pub fn of(command: &str) -> &'static [Flag] {
    match command {
        "run" | "demo" => RUN,
        "breakpoint" => breakpoint(),
        "target" => TARGET,
        "new" => NEW,
        "compare" => COMPARE,
        "report" => REPORT,
        "version" => VERSION,
        _ => &[],
    }
}

/// Commands of k6 that are refused by name.
pub const REFUSED_COMMANDS: &[&str] =
    &["archive", "cloud", "completion", "deps", "features", "inspect", "stats", "x"];
