//! Messages from `run` to one worker, and the wake-up that goes with them.

use crate::sys::wake::Waker;
use crate::worker::Message;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Clones share one box.
#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    /// Looked at once a turn: cheaper than the lock.
    has_mail: AtomicBool,
    queue: Mutex<VecDeque<Message>>,
}

impl Mailbox {
    pub fn new(waker: Waker) -> Mailbox {
        let shared = Shared { has_mail: AtomicBool::new(false), queue: Mutex::default() };
        Mailbox { shared: Arc::new(shared), waker }
    }

    pub fn post(&self, message: Message) {
        self.queue().push_back(message);
        self.shared.has_mail.store(true, Ordering::Release);
        self.waker.wake();
    }

    #[inline]
    pub fn has_mail(&self) -> bool {
        self.shared.has_mail.load(Ordering::Acquire)
    }

    /// All messages so far, in order.
    pub fn take(&self) -> VecDeque<Message> {
        self.shared.has_mail.store(false, Ordering::Release);
        std::mem::take(&mut *self.queue())
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Message>> {
        // A message queue is whole whatever its holder's panic left undone.
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
