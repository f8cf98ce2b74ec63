//! Which requests of a batch may be under way: so many in all, so many per host, in order.
//!
//! As in k6, a request that waits for its host's turn counts among those in all.

use std::collections::VecDeque;

pub(super) struct BatchOrder {
    /// The host of each request, as a small number.
    hosts: Vec<usize>,
    /// The first that was not taken yet.
    next: usize,
    /// Under way, or taken and waiting for its host.
    taken: usize,
    /// By host: requests under way.
    busy: Vec<usize>,
    /// Taken, and waiting for their hosts.
    waiting: VecDeque<usize>,
    max: usize,
    host_max: usize,
}

impl BatchOrder {
    /// 0: no limit.
    pub fn new(hosts: Vec<usize>, max: u32, host_max: u32) -> BatchOrder {
        let limit = |max: u32| if max == 0 { usize::MAX } else { max as usize };
        let busy = vec![0; hosts.iter().max().map_or(0, |host| host + 1)];
        BatchOrder {
            hosts,
            next: 0,
            taken: 0,
            busy,
            waiting: VecDeque::new(),
            max: limit(max),
            host_max: limit(host_max),
        }
    }

    /// A request that may be sent now.
    pub fn poll_send(&mut self) -> Option<usize> {
        let ready = self.waiting.iter().position(|&request| self.busy[self.hosts[request]] < self.host_max);
        if let Some(place) = ready {
            let request = self.waiting.remove(place).expect("its place was just found");
            self.busy[self.hosts[request]] += 1;
            return Some(request);
        }
        while self.next < self.hosts.len() && self.taken < self.max {
            let request = self.next;
            self.next += 1;
            self.taken += 1;
            let busy = &mut self.busy[self.hosts[request]];
            if *busy < self.host_max {
                *busy += 1;
                return Some(request);
            }
            self.waiting.push_back(request);
        }
        None
    }

    pub fn on_answer(&mut self, request: usize) {
        self.taken -= 1;
        self.busy[self.hosts[request]] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends all it may; then answers the given requests one by one, sending after each.
    #[track_caller]
    fn check(hosts: &[usize], max: u32, host_max: u32, answers: &[usize], want: &[&[usize]]) {
        let mut order = BatchOrder::new(hosts.to_vec(), max, host_max);
        let mut sent = vec![std::iter::from_fn(|| order.poll_send()).collect::<Vec<_>>()];
        for &request in answers {
            order.on_answer(request);
            sent.push(std::iter::from_fn(|| order.poll_send()).collect());
        }
        assert_eq!(sent, want);
    }

    #[test]
    fn all_go_at_once_below_the_limits() {
        check(&[0, 1, 0], 20, 6, &[1], &[&[0, 1, 2], &[]]);
        check(&[], 20, 6, &[], &[&[]]);
        check(&[0; 4], 0, 0, &[], &[&[0, 1, 2, 3]]);
    }

    #[test]
    fn an_answer_makes_room_for_the_next_in_order() {
        check(&[0; 4], 2, 0, &[1, 0], &[&[0, 1], &[2], &[3]]);
        check(&[0; 4], 0, 2, &[0, 1], &[&[0, 1], &[2], &[3]]);
    }

    #[test]
    fn what_waits_for_its_host_takes_a_place_among_all() {
        check(&[0, 0, 0, 1, 1], 3, 1, &[0, 1, 3], &[&[0], &[1, 3], &[2], &[4]]);
        check(&[0, 0, 1], 20, 1, &[2, 0], &[&[0, 2], &[], &[1]]);
    }
}
