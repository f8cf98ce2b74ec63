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
