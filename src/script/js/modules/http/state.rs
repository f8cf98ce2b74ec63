//! What `k6/http` keeps for one VU: its jar, its response callback, URLs that it has parsed.

use crate::http::cookies::Jar;
use crate::http::{Target, UrlError};
use crate::script::Expected;
use crate::script::js::vu::Vu;
use rquickjs::Ctx;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// URLs kept in parsed form; scripts with more different ones parse each time.
const TARGETS_MAX: usize = 256;

#[derive(Default)]
pub(super) struct HttpState {
    targets: RefCell<FxHashMap<Box<str>, Rc<Target>>>,
    jar: RefCell<IterationJar>,
    callback: RefCell<Callback>,
}

#[derive(Default)]
struct IterationJar {
    /// The run of a function that it belongs to.
    serial: u64,
    jar: Rc<RefCell<Jar>>,
}

/// `None`: none at all, `http.setResponseCallback(null)`.
struct Callback(Option<Expected>);

impl Default for Callback {
    fn default() -> Callback {
        Callback(Some(Expected::default()))
    }
}

impl HttpState {
    pub fn of(ctx: &Ctx<'_>) -> Rc<HttpState> {
        Vu::of(ctx).slot()
    }

    pub fn target(&self, url: &str) -> Result<Rc<Target>, UrlError> {
        if let Some(target) = self.targets.borrow().get(url) {
            return Ok(target.clone());
        }
        let target = Rc::new(Target::parse(url)?);
        let mut targets = self.targets.borrow_mut();
        if targets.len() == TARGETS_MAX {
            targets.clear();
        }
        targets.insert(url.into(), target.clone());
        Ok(target)
    }

    /// The VU's jar: a fresh one for every iteration, unless the options say otherwise.
    pub fn jar(&self, vu: &Vu) -> Rc<RefCell<Jar>> {
        let mut current = self.jar.borrow_mut();
        if current.serial != vu.serial() {
            current.serial = vu.serial();
            let keeps = vu.settings().is_some_and(|run| run.http.no_cookies_reset);
            // One that only we have and that nobody filled is as good as new.
            let is_fresh = Rc::strong_count(&current.jar) == 1 && current.jar.borrow().is_empty();
            if !keeps && !is_fresh {
                current.jar = Rc::default();
            }
        }
        current.jar.clone()
    }

    pub fn expected(&self) -> Option<Expected> {
        self.callback.borrow().0.clone()
    }

    pub fn set_expected(&self, expected: Option<Expected>) {
        *self.callback.borrow_mut() = Callback(expected);
    }
}
