//! What is printed, and the few statistics behind it.

use std::time::Duration;

/// Prints what the figures of this run belong to.
pub(crate) fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field(&read("/proc/cpuinfo"), "model name");
    let memory: u64 = field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    println!("machine   {cores} × {model}, {} GiB, Linux {}", (memory + (1 << 19)) >> 20, kernel.trim());
    println!("load      {} (others at work make the figures worse)", load.trim());
}

/// Begins a benchmark's part.
pub(crate) fn title(name: &str, data: &str) {
    println!("\n== {name}\ndata      {data}");
}

/// A figure with its name.
pub(crate) fn line(name: &str, value: impl std::fmt::Display) {
    println!("{name:<44}  {value}");
}

/// How something compares with its yardstick.
pub(crate) fn ratio(name: &str, ours: f64, yardstick: f64) {
    line(name, format_args!("{:.2} ×", ours / yardstick));
}

/// A whole number with separators.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Things a second.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// `20,000 events/s, 25,000 a second of processor time`.
pub(crate) fn rates(wall: f64, processor: f64) -> String {
    format!("{} events/s, {} a second of processor time", thousands(wall), thousands(processor))
}

/// Latencies of one kind of request.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// The latency that this share of requests did not exceed, in milliseconds.
    pub(crate) fn quantile(&mut self, share: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        let at = ((self.0.len() as f64 * share) as usize).min(self.0.len() - 1);
        let (_, value, _) = self.0.select_nth_unstable(at);
        f64::from(*value) / 1_000.0
    }

    /// `p50 0.31 ms, p99 1.20 ms, max 4.00 ms`.
    pub(crate) fn summary(&mut self) -> String {
        let (p50, p99, max) = (self.quantile(0.5), self.quantile(0.99), self.quantile(1.0));
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.1} ms")
    }
}

/// The middle of some measurements.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processor time this thread has used: what a wall-clock time would be on a machine with nothing else to do
/// and a disk that never makes anybody wait.
pub(crate) fn thread_processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0))
}
