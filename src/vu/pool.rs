//! A VU's idle connections: kept alive per host, as k6's transport does per VU.

use crate::script::HostId;
use crate::wire::ConnId;

/// Most VUs talk to one host over one connection: that one costs no allocation.
#[derive(Default)]
pub struct Pool {
    first: Option<(HostId, ConnId)>,
    more: Vec<(HostId, ConnId)>,
}

impl Pool {
    #[inline]
    pub fn put(&mut self, host: HostId, conn: ConnId) {
        match self.first {
            None => self.first = Some((host, conn)),
            Some(_) => self.more.push((host, conn)),
        }
    }

    /// Takes an idle connection to `host`, the most recently used first.
    #[inline]
    pub fn take(&mut self, host: HostId) -> Option<ConnId> {
        if let Some(index) = self.more.iter().rposition(|(of, _)| *of == host) {
            return Some(self.more.remove(index).1);
        }
        match self.first {
            Some((of, conn)) if of == host => {
                self.first = None;
                Some(conn)
            }
            _ => None,
        }
    }

    /// Forgets a connection that was lost while idle.
    pub fn remove(&mut self, conn: ConnId) {
        self.more.retain(|(_, idle)| *idle != conn);
        if self.first.is_some_and(|(_, idle)| idle == conn) {
            self.first = None;
        }
    }

    pub fn drain(&mut self) -> impl Iterator<Item = ConnId> + '_ {
        self.first.take().into_iter().chain(self.more.drain(..)).map(|(_, conn)| conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections 1, 2, … to these hosts are put; then these hosts' are taken (0: none is there).
    #[track_caller]
    fn check(put: &[u32], forget: u32, take: &[(u32, u32)]) {
        let mut pool = Pool::default();
        for (index, &host) in put.iter().enumerate() {
            pool.put(HostId(host), ConnId(index as u32 + 1));
        }
        pool.remove(ConnId(forget));
        for &(host, want) in take {
            assert_eq!(pool.take(HostId(host)).map_or(0, |conn| conn.0), want, "host {host}");
        }
        assert_eq!(pool.drain().count(), 0, "all were taken");
    }

    #[test]
    fn a_connection_is_taken_once_and_by_its_host_only() {
        check(&[7], 0, &[(8, 0), (7, 1), (7, 0)]);
        check(&[7, 8], 0, &[(8, 2), (8, 0), (7, 1)]);
    }

    #[test]
    fn the_most_recently_used_is_taken_first() {
        check(&[7, 7, 8, 7], 0, &[(7, 4), (7, 2), (7, 1), (7, 0), (8, 3)]);
    }

    #[test]
    fn a_lost_one_is_forgotten() {
        check(&[7, 7, 7], 1, &[(7, 3), (7, 2), (7, 0)]);
        check(&[7, 7, 7], 2, &[(7, 3), (7, 1), (7, 0)]);
        check(&[7], 1, &[(7, 0)]);
    }

    #[test]
    fn draining_gives_all_of_them() {
        let mut pool = Pool::default();
        (0..3).for_each(|conn| pool.put(HostId(conn), ConnId(conn)));
        assert_eq!(pool.drain().map(|conn| conn.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(pool.take(HostId(0)), None);
    }
}
