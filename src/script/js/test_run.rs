//! What all VUs of a run share: modules and bytecode, settings, SharedArrays, signals.
//!
//! Locks here are taken while VUs are made, never while they iterate.

use super::engine::Bytecode;
use crate::metrics::TagSet;
use crate::metrics::registry::Registry;
use crate::options::Scenario;
use crate::script::source::Sources;
use crate::time::Instant;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Enough for any test data, and not all of a machine's.
pub const MEMORY_MAX_BYTES_DEFAULT: usize = 512 << 20;

/// What is known before the script is loaded.
#[derive(Clone, Debug)]
pub struct LoadSettings {
    /// `__ENV`: the system's (if wanted) and what `-e` adds.
    pub env: BTreeMap<String, String>,
    /// Of each VU's JavaScript heap; an iteration that needs more fails.
    pub memory_max_bytes: usize,
    /// A monotonic clock; only differences of it are used.
    pub clock: fn() -> Instant,
}

/// What the options say, once all their layers are known.
#[derive(Clone, Debug, Default)]
pub struct RunSettings {
    /// The consolidated options as JSON, written back into each VU's `options`.
    pub options_json: String,
    /// `exec.test.options`, as JSON.
    pub test_options_json: String,
    pub scenarios: Vec<Scenario>,
    /// Added to every sample.
    pub tags: TagSet,
    pub http: HttpSettings,
    /// `sleep()` returns at once.
    pub no_sleep: bool,
}

/// The options that `k6/http` works by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Failed requests throw.
    pub throw: bool,
    pub max_redirects: u32,
    /// Bodies are not handed to scripts unless they ask.
    pub discard_response_bodies: bool,
    /// The cookie jar outlives the iteration.
    pub no_cookies_reset: bool,
    /// Requests of one `http.batch` under way at a time, in all and per host.
    pub batch: u32,
    pub batch_per_host: u32,
}

impl Default for HttpSettings {
    /// k6's defaults.
    fn default() -> HttpSettings {
        HttpSettings {
            throw: false,
            max_redirects: 10,
            discard_response_bodies: false,
            no_cookies_reset: false,
            batch: 20,
            batch_per_host: 6,
        }
    }
}

/// What scripts tell the run, looked at by the control thread.
#[derive(Debug, Default)]
pub struct Signals {
    aborted: OnceLock<String>,
    failed: AtomicBool,
}

impl Signals {
    /// `exec.test.abort()`: k6's text with the place; the first one counts.
    pub fn aborted(&self) -> Option<&str> {
        self.aborted.get().map(String::as_str)
    }

    /// `exec.test.fail()` was called.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn abort(&self, text: String) {
        // A later abort changes nothing.
        let _ = self.aborted.set(text);
    }

    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }
}

/// Numbers of the whole run that `k6/execution` shows, kept up to date by the control thread.
#[derive(Debug, Default)]
pub struct LiveNumbers {
    pub iterations_completed: AtomicU64,
    pub iterations_interrupted: AtomicU64,
    pub vus_active: AtomicU64,
    pub vus_initialized: AtomicU64,
    /// On the run's clock; set once the test clock starts.
    pub test_started_at_ns: AtomicU64,
    /// The same instant, milliseconds since the Unix epoch.
    pub test_started_at_unix_ms: AtomicU64,
    /// Millionths, by place of the scenario.
    pub progress: Vec<AtomicU64>,
}

/// Everything that VUs share.
pub struct TestRun {
    pub sources: Sources,
    pub load: LoadSettings,
    pub registry: Arc<Registry>,
    pub signals: Signals,
    run: OnceLock<RunSettings>,
    live: OnceLock<LiveNumbers>,
    setup_data: OnceLock<Option<String>>,
    code: Mutex<HashMap<String, Arc<Bytecode>>>,
    arrays: Mutex<HashMap<String, Arc<[String]>>>,
}

impl TestRun {
    pub(super) fn new(sources: Sources, load: LoadSettings) -> TestRun {
        TestRun {
            sources,
            load,
            registry: Arc::default(),
            signals: Signals::default(),
            run: OnceLock::new(),
            live: OnceLock::new(),
            setup_data: OnceLock::new(),
            code: Mutex::default(),
            arrays: Mutex::default(),
        }
    }

    pub(super) fn configure(&self, settings: RunSettings) {
        let progress = settings.scenarios.iter().map(|_| AtomicU64::new(0)).collect();
        let live = LiveNumbers { progress, ..LiveNumbers::default() };
        assert!(self.run.set(settings).is_ok(), "a run is configured once");
        assert!(self.live.set(live).is_ok(), "a run is configured once");
    }

    /// `None` while the script is loaded for the first time.
    pub fn settings(&self) -> Option<&RunSettings> {
        self.run.get()
    }

    pub fn live(&self) -> Option<&LiveNumbers> {
        self.live.get()
    }

    pub(super) fn set_setup_data(&self, json: Option<String>) {
        assert!(self.setup_data.set(json).is_ok(), "setup data is set once");
    }

    pub(super) fn setup_data(&self) -> Option<&str> {
        self.setup_data.get()?.as_deref()
    }

    pub(super) fn code(&self, name: &str) -> Option<Arc<Bytecode>> {
        lock(&self.code).get(name).cloned()
    }

    pub(super) fn keep_code(&self, name: &str, bytecode: Arc<Bytecode>) {
        lock(&self.code).insert(name.to_owned(), bytecode);
    }

    /// The elements of a SharedArray, each as JSON.
    pub(super) fn array(&self, name: &str) -> Option<Arc<[String]>> {
        lock(&self.arrays).get(name).cloned()
    }

    pub(super) fn keep_array(&self, name: &str, elements: Vec<String>) -> Arc<[String]> {
        let elements: Arc<[String]> = elements.into();
        lock(&self.arrays).entry(name.to_owned()).or_insert(elements).clone()
    }
}

/// A panic of another thread leaves no half-made entry behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
