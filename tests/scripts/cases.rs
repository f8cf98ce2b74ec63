//! The recorded runs, and what of each must agree.

/// One folder of `tests/cases/k6`. Standard output is compared where it was recorded.
pub struct Case {
    pub name: &'static str,
    pub numbers: Numbers,
    pub journal: Journal,
}

/// Counts on standard output; durations and rates are never compared.
pub enum Numbers {
    /// All counts are the same in each run.
    Equal,
    /// How much was done is a matter of time; these relations are not.
    Related(&'static [Relation]),
}

#[derive(Debug)]
pub enum Relation {
    Equal(&'static str),
    /// Of two rows; k6 itself is not sure of the last start, at the very end.
    SumWithinOne(&'static str, &'static str),
    /// That many for each iteration.
    PerIteration(&'static str),
}

/// Lines on standard error.
pub enum Journal {
    /// All of them, in order.
    Equal,
    /// Those of the script; k6 logs its own doings besides.
    OfTheScript,
    /// Values in the messages are objects, compared without order and without timings.
    Objects,
    /// k6 says it otherwise, for this reason; exit statuses agree.
    Differs(&'static str),
}

const fn case(name: &'static str, numbers: Numbers) -> Case {
    Case { name, numbers, journal: Journal::Equal }
}

const fn end(name: &'static str) -> Case {
    case(name, Numbers::Equal)
}

const ALL: Numbers = Numbers::Related(&[
    Relation::PerIteration("checks_total"),
    Relation::PerIteration("http_reqs"),
    Relation::PerIteration("my_counter"),
]);
const SIZES: Numbers = Numbers::Related(&[Relation::PerIteration("http_reqs")]);

pub const SHORT: &[Case] = &[
    case("sum_minimal", Numbers::Equal),
    case("sum_minimal_full", Numbers::Equal),
    case("sum_pass", Numbers::Equal),
    case("sum_stats", Numbers::Equal),
    case("iter_vus", Numbers::Equal),
    case("stdin", Numbers::Equal),
    case("handle", Numbers::Equal),
    case("refused", Numbers::Equal),
    case("refused_full", Numbers::Equal),
    case("refused_throw", Numbers::Equal),
    case("logs", Numbers::Equal),
    case("logs_json", Numbers::Equal),
    case("logs_raw", Numbers::Equal),
    Case { name: "logs_verbose", numbers: Numbers::Equal, journal: Journal::OfTheScript },
    Case { name: "dump", numbers: Numbers::Equal, journal: Journal::Objects },
];

pub const TIMED: &[Case] = &[
    case("sum_compact", ALL),
    case("sum_full", ALL),
    case("sum_quiet", ALL),
    case("sum_disabled", Numbers::Related(&[])),
    case("export_summary", ALL),
    case("export_summary_new", ALL),
    case(
        "multi_compact",
        Numbers::Related(&[Relation::Equal("{ scenario:per_vu }"), Relation::PerIteration("http_reqs")]),
    ),
    case(
        "car",
        Numbers::Related(&[
            Relation::SumWithinOne("iterations", "dropped_iterations"),
            Relation::PerIteration("http_reqs"),
        ]),
    ),
    case("ramp_flags", SIZES),
    case("rps", SIZES),
];

pub const ENDS: &[Case] = &[
    end("rc_abort"),
    end("rc_abortonfail"),
    end("rc_bad_dur"),
    end("rc_bad_exec"),
    end("rc_badcmd"),
    end("rc_badflag"),
    end("rc_badflagval"),
    end("rc_badthr_agg"),
    end("rc_badthr_metric"),
    end("rc_badthr_syntax"),
    end("rc_dur_and_stage"),
    end("rc_ext"),
    end("rc_init_throw"),
    end("rc_iter_lt_vus"),
    end("rc_iter_throw"),
    Case {
        name: "rc_missing_builtin",
        numbers: Numbers::Equal,
        journal: Journal::Differs("k6 tries to have a binary built that has the module"),
    },
    end("rc_missing_field"),
    end("rc_missing_import"),
    end("rc_noarg"),
    end("rc_nodefault"),
    end("rc_nofile"),
    end("rc_nothresholds"),
    end("rc_pass"),
    end("rc_setup_throw"),
    end("rc_setup_timeout"),
    end("rc_sigINT"),
    end("rc_sigTERM"),
    end("rc_syntax"),
    end("rc_teardown_throw"),
    end("rc_testfail"),
    end("rc_threshold"),
    end("rc_unknown_opt"),
    end("rc_vus0"),
];
