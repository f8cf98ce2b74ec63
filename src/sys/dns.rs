//! Name look-ups on a thread of their own, so that a worker never waits for one.
//!
//! hickory-resolver reads /etc/resolv.conf and /etc/hosts and speaks DNS itself: no getaddrinfo,
//! so a static binary resolves as a dynamic one does. `localhost` needs no DNS (RFC 6761 §6.3).
//! Look-ups run side by side, so that a slow name keeps no other waiting; who asks for a name that
//! is being looked up gets the same answer.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use std::cell::OnceCell;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, LocalSet};

/// Look-ups under way at once; further names wait for one of them.
const AT_ONCE: usize = 32;

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// The name servers say that there is none.
    NoSuchHost,
    /// They could not be asked, or did not answer.
    Failed(String),
}

/// All addresses of a name, IPv4 and IPv6.
type Answer = Result<Vec<IpAddr>, LookupError>;
/// Called on the resolver's thread.
type Reply = Box<dyn FnOnce(Answer) + Send>;

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupError::NoSuchHost => f.write_str("no such host"),
            LookupError::Failed(why) => f.write_str(why),
        }
    }
}

/// A handle on the resolver's thread, which ends with its last handle.
#[derive(Clone)]
pub struct Resolver {
    requests: UnboundedSender<(String, Reply)>,
}

impl Resolver {
    pub fn spawn() -> io::Result<Resolver> {
        let (requests, inbox) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("dns".into()).spawn(move || {
            // Made at the first look-up of a real name.
            let backend = Rc::new(OnceCell::new());
            let lookup = move |name| lookup(backend.clone(), name);
            LocalSet::new().block_on(&runtime, serve(inbox, lookup));
        })?;
        Ok(Resolver { requests })
    }

    /// Asks for the addresses of `name`; the answer comes through `reply`.
    pub fn lookup(&self, name: &str, reply: impl FnOnce(Answer) + Send + 'static) {
        // The thread lives as long as a handle does.
        let _ = self.requests.send((name.to_owned(), Box::new(reply)));
    }

    /// As `lookup`, but waits for the answer: for control threads.
    pub fn lookup_now(&self, name: &str) -> Answer {
        let (answer, inbox) = std::sync::mpsc::channel();
        self.lookup(name, move |result| {
            let _ = answer.send(result);
        });
        inbox.recv().unwrap_or_else(|_| Err(LookupError::Failed("the resolver has ended".into())))
    }
}

/// What the thread is to do next.
enum Task {
    Asked(String, Reply),
    Answered(String, Answer),
    /// Nobody can ask or hear any more.
    End,
}

/// Looks names up by `lookup` until the last handle is gone.
async fn serve<F>(mut inbox: UnboundedReceiver<(String, Reply)>, lookup: impl Fn(String) -> F)
where
    F: Future<Output = Answer> + 'static,
{
    // Who waits for a name, under way or queued.
    let mut waiting: HashMap<String, Vec<Reply>> = HashMap::new();
    let mut queue: VecDeque<String> = VecDeque::new();
    let mut under_way: JoinSet<(String, Answer)> = JoinSet::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(name) = queue.pop_front()
        {
            let answer = lookup(name.clone());
            under_way.spawn_local(async move { (name, answer.await) });
        }
        match next(&mut inbox, &mut under_way).await {
            Task::Asked(name, reply) => {
                let replies = waiting.entry(name.clone()).or_default();
                if replies.is_empty() {
                    queue.push_back(name);
                }
                replies.push(reply);
            }
            Task::Answered(name, answer) => {
                for reply in waiting.remove(&name).into_iter().flatten() {
                    reply(answer.clone());
                }
            }
            Task::End => return,
        }
    }
}

/// Answers first: they make room.
async fn next(
    inbox: &mut UnboundedReceiver<(String, Reply)>,
    under_way: &mut JoinSet<(String, Answer)>,
) -> Task {
    poll_fn(|context| {
        if let Poll::Ready(Some(done)) = under_way.poll_join_next(context) {
            let (name, answer) = done.expect("a look-up neither panics nor is aborted");
            return Poll::Ready(Task::Answered(name, answer));
        }
        inbox.poll_recv(context).map(|asked| match asked {
            Some((name, reply)) => Task::Asked(name, reply),
            None => Task::End,
        })
    })
    .await
}

async fn lookup(backend: Rc<OnceCell<Result<TokioResolver, String>>>, name: String) -> Answer {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let plain = name.trim_end_matches('.').to_ascii_lowercase();
    if plain == "localhost" || plain.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let resolver = match backend.get_or_init(make_backend) {
        Ok(resolver) => resolver,
        Err(why) => return Err(LookupError::Failed(why.clone())),
    };
    match resolver.lookup_ip(name).await {
        Ok(found) => Ok(found.iter().collect()),
        Err(error) if error.is_nx_domain() || error.is_no_records_found() => Err(LookupError::NoSuchHost),
        Err(error) => Err(LookupError::Failed(error.to_string())),
    }
}

fn make_backend() -> Result<TokioResolver, String> {
    let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // The run's own cache has k6's ttl; a second one would make addresses older than that.
    builder.options_mut().cache_size = 0;
    builder.build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::sync::{Arc, Mutex};
    use tokio::sync::oneshot;

    type Begun = Vec<(String, oneshot::Sender<Answer>)>;

    /// Look-ups that end when the test says so.
    #[derive(Clone, Default)]
    struct Desk {
        begun: Rc<RefCell<Begun>>,
    }

    impl Desk {
        fn lookup(&self, name: String) -> impl Future<Output = Answer> + use<> {
            let (answer, inbox) = oneshot::channel();
            self.begun.borrow_mut().push((name, answer));
            async move { inbox.await.expect("the test answers") }
        }

        /// Names whose look-up has begun and not ended.
        fn begun(&self) -> Vec<String> {
            self.begun.borrow().iter().map(|(name, _)| name.clone()).collect()
        }

        fn answer(&self, name: &str, last: u8) {
            let place = self.begun().iter().position(|begun| begun == name).expect("it has begun");
            let (_, answer) = self.begun.borrow_mut().remove(place);
            answer.send(Ok(vec![[10, 0, 0, last].into()])).expect("somebody waits");
        }
    }

    /// Asks for names, then does `act`; what was answered, in order, is compared.
    #[track_caller]
    fn check(names: &[String], act: impl AsyncFnOnce(&Desk), want: &[&str]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (requests, inbox) = unbounded_channel();
        let answers = Arc::new(Mutex::new(Vec::new()));
        for name in names {
            let (name, answers) = (name.clone(), answers.clone());
            let reply: Reply = {
                let name = name.clone();
                Box::new(move |answer| {
                    answers.lock().unwrap().push(format!("{name} {}", answer.unwrap()[0]));
                })
            };
            assert!(requests.send((name, reply)).is_ok());
        }
        let desk = Desk::default();
        let served = desk.clone();
        LocalSet::new().block_on(&runtime, async move {
            let server = tokio::task::spawn_local(serve(inbox, move |name| served.lookup(name)));
            settle().await;
            act(&desk).await;
            settle().await;
            drop(requests);
            server.await.unwrap();
        });
        assert_eq!(*answers.lock().unwrap(), want);
    }

    /// Lets all that can go on go on.
    async fn settle() {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_slow_name_keeps_no_other_waiting() {
        check(
            &["slow", "quick"].map(String::from),
            async |desk| {
                assert_eq!(desk.begun(), ["slow", "quick"]);
                desk.answer("quick", 2);
                settle().await;
                desk.answer("slow", 1);
            },
            &["quick 10.0.0.2", "slow 10.0.0.1"],
        );
    }

    #[test]
    fn a_name_that_many_ask_for_is_looked_up_once() {
        check(
            &["a", "b", "a", "a"].map(String::from),
            async |desk| {
                assert_eq!(desk.begun(), ["a", "b"]);
                desk.answer("a", 1);
            },
            &["a 10.0.0.1", "a 10.0.0.1", "a 10.0.0.1"],
        );
    }

    #[test]
    fn look_ups_at_once_are_bounded_and_the_rest_follows() {
        let names: Vec<String> = (0..100).map(|number| format!("n{number}")).collect();
        check(
            &names,
            async |desk| {
                assert_eq!(desk.begun(), names[..AT_ONCE]);
                desk.answer("n7", 7);
                settle().await;
                assert_eq!(desk.begun().last(), Some(&names[AT_ONCE]));
                assert_eq!(desk.begun().len(), AT_ONCE);
            },
            &["n7 10.0.0.7"],
        );
    }

    #[test]
    fn addresses_and_localhost_need_no_name_server() {
        let resolver = Resolver::spawn().unwrap();
        assert_eq!(resolver.lookup_now("10.0.0.7"), Ok(vec![[10, 0, 0, 7].into()]));
        let local = Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        assert_eq!(resolver.lookup_now("a1.localhost"), local);
    }
}
