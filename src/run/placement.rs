//! Which CPU each worker gets, and how many workers there are.
//!
//! One worker per CPU that we may use; when the target is on this machine half of the CPUs, rounded
//! up, stay free for it (a single CPU is shared). The control thread gets the CPUs that no worker
//! has.

/// What the machine offers, and what the user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// CPUs of the affinity mask, ascending.
    pub allowed: Vec<usize>,
    /// Whole CPUs of the cgroup's quota.
    pub quota: Option<usize>,
    pub target_is_local: bool,
    /// `--workers`.
    pub asked: Option<u32>,
    /// More workers than VUs would have nothing to do.
    pub vus_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// One entry per worker: its CPU, or `None` to leave it to the scheduler.
    pub workers: Vec<Option<usize>>,
    /// CPUs of the mask without a worker.
    pub rest: Vec<usize>,
    /// Whether spinning workers leave a CPU to the target.
    pub cpu_to_spare: bool,
}

impl Placement {
    pub fn decide(situation: &Situation) -> Placement {
        let allowed = &situation.allowed;
        let usable = allowed.len().min(situation.quota.unwrap_or(usize::MAX)).max(1);
        let default = if situation.target_is_local { (usable / 2).max(1) } else { usable };
        let count = match situation.asked {
            Some(asked) => asked.max(1) as usize,
            None => default.min(situation.vus_max.max(1) as usize),
        };
        if count > allowed.len() {
            // More workers than CPUs was asked for: pinning would pile them up.
            return Placement { workers: vec![None; count], rest: Vec::new(), cpu_to_spare: false };
        }
        // The highest CPUs: servers started without pinning tend to sit on the lowest.
        let (rest, ours) = allowed.split_at(allowed.len() - count);
        let spare_locally = !rest.is_empty() && usable > count;
        Placement {
            workers: ours.iter().copied().map(Some).collect(),
            rest: rest.to_vec(),
            cpu_to_spare: !situation.target_is_local || spare_locally,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(situation: Situation, workers: &[usize], rest: &[usize], cpu_to_spare: bool) {
        let placement = Placement::decide(&situation);
        assert_eq!(placement.workers, workers.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!((placement.rest.as_slice(), placement.cpu_to_spare), (rest, cpu_to_spare));
    }

    fn on(cpus: usize, target_is_local: bool) -> Situation {
        let allowed = (0..cpus).collect();
        Situation { allowed, quota: None, target_is_local, asked: None, vus_max: 100 }
    }

    #[test]
    fn a_local_target_keeps_half_of_the_cpus() {
        check(on(2, true), &[1], &[0], true);
        check(on(4, true), &[2, 3], &[0, 1], true);
    }

    #[test]
    fn a_remote_target_leaves_us_all_of_them() {
        check(on(2, false), &[0, 1], &[], true);
    }

    #[test]
    fn one_allowed_cpu_is_shared_with_a_local_target_without_spinning() {
        check(Situation { allowed: vec![3], ..on(1, true) }, &[3], &[], false);
    }

    #[test]
    fn quota_and_few_vus_bound_the_workers() {
        check(Situation { quota: Some(1), ..on(4, false) }, &[3], &[0, 1, 2], true);
        check(Situation { vus_max: 1, ..on(4, false) }, &[3], &[0, 1, 2], true);
    }

    #[test]
    fn more_workers_than_cpus_are_not_pinned() {
        let placement = Placement::decide(&Situation { asked: Some(3), ..on(2, false) });
        assert_eq!(placement.workers, [None, None, None]);
    }
}
