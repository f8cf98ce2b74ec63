//! CPUs: which we may use, pinning, and CPU time used.

use std::time::Duration;

/// CPUs of this process's affinity mask, ascending; empty if the system does not tell.
pub fn allowed() -> Vec<usize> {
    let mut ids: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    ids.sort_unstable();
    ids
}

/// Pins the calling thread; false if the system refused.
pub fn pin_to(cpu: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: cpu })
}

/// Lets all other threads have the CPU before the calling one.
pub fn yield_to_others() {
    // SAFETY: takes numbers only (S1); on Linux 0 is the calling thread, not the process.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
}

/// Restricts the calling thread to `cpus` (all of them); false if the system refused.
pub fn restrict_to(cpus: &[usize]) -> bool {
    // SAFETY: an all-zero cpu_set_t is a valid empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in cpus.iter().filter(|&&cpu| cpu < libc::CPU_SETSIZE as usize) {
        // SAFETY: `cpu` is within the set's size.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    // SAFETY: `set` is a live local of the size given (S1).
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) == 0 }
}

/// Whole CPUs that the cgroup's quota grants (v2 `cpu.max`, v1 `cpu.cfs_quota_us`), rounded up;
/// `None` without a quota.
pub fn cgroup_quota() -> Option<usize> {
    let v2 = std::fs::read_to_string("/sys/fs/cgroup/cpu.max").ok().and_then(|text| {
        let mut words = text.split_whitespace();
        Some((words.next()?.parse::<f64>().ok()?, words.next()?.parse::<f64>().ok()?))
    });
    let v1 = || {
        let read = |name: &str| {
            std::fs::read_to_string(format!("/sys/fs/cgroup/cpu/{name}")).ok()?.trim().parse::<f64>().ok()
        };
        Some((read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?))
    };
    let (quota, period) = v2.or_else(v1)?;
    (quota > 0.0 && period > 0.0).then(|| ((quota / period).ceil() as usize).max(1))
}

/// User and system CPU time used by the calling thread.
pub fn thread_time() -> Duration {
    usage(libc::RUSAGE_THREAD)
}

/// How long the calling thread was ready to run and had no CPU, since it began; `None` if the
/// kernel does not count it.
pub fn thread_run_delay() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// User and system CPU time used by the process.
pub fn process_time() -> Duration {
    usage(libc::RUSAGE_SELF)
}

fn usage(who: libc::c_int) -> Duration {
    // SAFETY: an all-zero rusage is valid, and a live local (S1).
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &mut usage);
        usage
    };
    let duration = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}
