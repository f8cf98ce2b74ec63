//! What the CPUs did: /proc/stat, and /proc/pressure/cpu.

use super::read_file;

/// Clock ticks of one CPU. Some kernels let idle and iowait go back a little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// User, nice and system.
    pub worked: u64,
    /// Idle, and waiting for a disk with nothing else to do.
    pub idle: u64,
    /// Hard and soft interrupts.
    pub interrupts: u64,
    pub stolen: u64,
}

impl CpuTime {
    pub fn total(&self) -> u64 {
        self.worked + self.idle + self.interrupts + self.stolen
    }

    pub fn since(&self, earlier: &CpuTime) -> CpuTime {
        CpuTime {
            worked: self.worked.saturating_sub(earlier.worked),
            idle: self.idle.saturating_sub(earlier.idle),
            interrupts: self.interrupts.saturating_sub(earlier.interrupts),
            stolen: self.stolen.saturating_sub(earlier.stolen),
        }
    }
}

pub(super) fn read() -> Option<Vec<CpuTime>> {
    parse(&read_file("/proc/stat")?)
}

/// Nanoseconds in which something waited for a CPU, since the machine began.
pub(super) fn read_pressure() -> Option<u64> {
    parse_pressure(&read_file("/proc/pressure/cpu")?)
}

/// Lines `cpu0 user nice system idle iowait irq softirq steal …`; a CPU that is switched off has
/// none, and is left at 0.
fn parse(text: &str) -> Option<Vec<CpuTime>> {
    let mut cpus = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("cpu")) {
        let mut words = line.split_whitespace();
        let Ok(number) = words.next()?["cpu".len()..].parse::<usize>() else { continue };
        let ticks: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        let tick = |at: usize| ticks.get(at).copied().unwrap_or(0);
        let time = CpuTime {
            worked: tick(0) + tick(1) + tick(2),
            idle: tick(3) + tick(4),
            interrupts: tick(5) + tick(6),
            stolen: tick(7),
        };
        if cpus.len() <= number {
            cpus.resize(number + 1, CpuTime::default());
        }
        cpus[number] = time;
    }
    (!cpus.is_empty()).then_some(cpus)
}

fn parse_pressure(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    let us: u64 = line.split("total=").nth(1)?.trim().parse().ok()?;
    Some(us * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_its_ticks() {
        let text = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu2 1 0 0 0 0 0 0 0 0 0\nintr 5\n";
        let cpus = parse(text).unwrap();
        assert_eq!(cpus[0], CpuTime { worked: 6, idle: 45, interrupts: 13, stolen: 8 });
        assert_eq!((cpus.len(), cpus[1], cpus[2].worked), (3, CpuTime::default(), 1));
        assert_eq!(parse("intr 5\n"), None);
    }

    #[test]
    fn pressure_is_the_total_of_some() {
        let text = "some avg10=2.75 avg60=1.99 avg300=3.91 total=1748\nfull avg10=0.00 total=0\n";
        assert_eq!(parse_pressure(text), Some(1_748_000));
    }
}
