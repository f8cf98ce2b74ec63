//! Control groups, both kinds: what a process may use of the CPUs, what it was denied, and what all
//! processes of its group used.

use super::read_file;

/// How often and for how long a quota stopped its group; since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttled {
    pub periods: u64,
    pub stopped_ns: u64,
}

/// Places of version 1's cpu controller, and of version 2.
const V1_CPU: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"];
const V1_ACCOUNT: [&str; 2] = ["/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/cpu,cpuacct"];
const V2: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// The directories of a process's group, and of those above it that may limit it too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cgroup {
    v1: Vec<String>,
    v2: Vec<String>,
    /// Where the group's own CPU time is counted; `None` in the root group, which is everybody's.
    account: Option<Account>,
    /// The group's path, as /proc names it.
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Account {
    V1(String),
    V2(String),
}

impl Cgroup {
    /// `process`: a number, or `self`.
    pub fn of_process(process: &str) -> Cgroup {
        let text = read_file(&format!("/proc/{process}/cgroup")).unwrap_or_default();
        let cpu = path_of(&text, Some("cpu"));
        let account = path_of(&text, Some("cpuacct"));
        let unified = path_of(&text, None);
        let v1_account = account.as_ref().filter(|path| **path != "/").and_then(|path| {
            let file = existing(&V1_ACCOUNT, path, "cpuacct.usage")?;
            Some(Account::V1(file))
        });
        let v2_account = unified.as_ref().filter(|path| **path != "/").and_then(|path| {
            let file = existing(&V2, path, "cpu.stat")?;
            Some(Account::V2(file))
        });
        Cgroup {
            v1: cpu.as_deref().map_or(Vec::new(), |path| upwards(&V1_CPU, path)),
            v2: unified.as_deref().map_or(Vec::new(), |path| upwards(&V2, path)),
            account: v1_account.or(v2_account),
            path: account.or(unified).unwrap_or_default(),
        }
    }

    /// Of this group and all above: any of them may stop it. `None` where none tells.
    pub fn throttled(&self) -> Option<Throttled> {
        let v1 = self.v1.iter().map(|directory| stat(directory, "throttled_time", 1));
        let v2 = self.v2.iter().map(|directory| stat(directory, "throttled_usec", 1_000));
        v1.chain(v2).flatten().reduce(|a, b| Throttled {
            periods: a.periods + b.periods,
            stopped_ns: a.stopped_ns + b.stopped_ns,
        })
    }

    /// The least of all quotas on the way up, in CPUs.
    pub fn quota_cpus(&self) -> Option<f64> {
        let number = |path: String| read_file(&path)?.trim().parse::<f64>().ok();
        let v1 = self.v1.iter().filter_map(|directory| {
            let quota = number(format!("{directory}/cpu.cfs_quota_us"))?;
            Some((quota, number(format!("{directory}/cpu.cfs_period_us"))?))
        });
        let v2 = self.v2.iter().filter_map(|directory| {
            let text = read_file(&format!("{directory}/cpu.max"))?;
            let mut words = text.split_whitespace().map(str::parse::<f64>);
            Some((words.next()?.ok()?, words.next()?.ok()?))
        });
        let granted = v1.chain(v2).filter(|(quota, period)| *quota > 0.0 && *period > 0.0);
        granted.map(|(quota, period)| quota / period).reduce(f64::min)
    }

    /// CPU time of all processes of the group; `None` in the root group.
    pub fn used_ns(&self) -> Option<u64> {
        match self.account.as_ref()? {
            Account::V1(file) => read_file(file)?.trim().parse().ok(),
            Account::V2(file) => Some(number_of(&read_file(file)?, "usage_usec")? * 1_000),
        }
    }

    pub fn is_same_as(&self, other: &Cgroup) -> bool {
        self.path == other.path
    }
}

/// Of lines `4:cpu,cpuacct:/a/b`, version 2 being `0::/a/b`.
fn path_of(text: &str, controller: Option<&str>) -> Option<String> {
    text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_it = match controller {
            Some(name) => controllers.split(',').any(|one| one == name),
            None => controllers.is_empty(),
        };
        is_it.then(|| path.to_owned())
    })
}

/// The directories of `path` and of all above it. In a container the path may be the host's, and
/// the mount begin at our own group: then only that is seen.
fn upwards(mounts: &[&str], path: &str) -> Vec<String> {
    let Some(mount) = mounts.iter().find(|mount| std::path::Path::new(mount).is_dir()) else {
        return Vec::new();
    };
    let mut directories = Vec::new();
    let mut path = path.trim_end_matches('/');
    while let Some((above, _)) = path.rsplit_once('/') {
        directories.push(format!("{mount}{path}"));
        path = above;
    }
    directories.push((*mount).to_owned());
    directories
}

fn existing(mounts: &[&str], path: &str, file: &str) -> Option<String> {
    let files = mounts.iter().map(|mount| format!("{mount}{path}/{file}"));
    files.into_iter().find(|file| std::path::Path::new(file).is_file())
}

fn stat(directory: &str, stopped: &str, ns: u64) -> Option<Throttled> {
    let text = read_file(&format!("{directory}/cpu.stat"))?;
    Some(Throttled {
        periods: number_of(&text, "nr_throttled")?,
        stopped_ns: number_of(&text, stopped)? * ns,
    })
}

/// Lines `name number`.
fn number_of(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(key, _)| *key == name)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_controller() {
        let text = "4:cpu,cpuacct:/a/b\n3:memory:/m\n0::/u\n";
        assert_eq!(path_of(text, Some("cpuacct")), Some("/a/b".into()));
        assert_eq!(path_of(text, None), Some("/u".into()));
        assert_eq!(path_of(text, Some("pids")), None);
    }

    #[test]
    fn all_groups_above_may_limit_too() {
        let here = std::env::temp_dir();
        let here = here.to_str().unwrap();
        let want = [format!("{here}/a/b"), format!("{here}/a"), here.to_owned()];
        assert_eq!(upwards(&["/nowhere", here], "/a/b"), want);
        assert_eq!(upwards(&[here], "/"), [here]);
    }

    #[test]
    fn a_number_stands_after_its_name() {
        let text = "nr_periods 10\nnr_throttled 3\nthrottled_usec 1500\n";
        assert_eq!((number_of(text, "nr_throttled"), number_of(text, "nr")), (Some(3), None));
    }
}
