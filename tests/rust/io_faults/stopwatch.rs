//! How long a call takes, on a machine that may be busy with other work.

use std::fs;
use std::time::{Duration, Instant};

/// Counts the time since its start without the time in which threads of this process were ready to run and had no processor.
pub struct Stopwatch {
    began: Instant,
    unserved: Duration,
}

impl Stopwatch {
    pub fn start() -> Self {
        Stopwatch { unserved: unserved(), began: Instant::now() }
    }

    pub fn elapsed(&self) -> Duration {
        let elapsed = self.began.elapsed();
        elapsed.saturating_sub(unserved().saturating_sub(self.unserved))
    }
}

/// For how long all threads together have waited for a processor: the second number that Linux tells of each.
fn unserved() -> Duration {
    let of = |text: String| text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos);
    let threads = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok().and_then(of))
        .sum()
}
