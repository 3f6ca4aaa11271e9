//! Clocks: time is an argument of the engine. This is the only file that reads the machine's clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::duration::Duration;
use crate::error::Error;
use crate::object_reader::FromMember;
use crate::schema::{Kind, PublicValue};

pub(crate) mod rfc3339;

/// A time in whole milliseconds since the Unix epoch (UTC).
///
/// ```
/// use hellojohn::Timestamp;
///
/// let time = Timestamp::from_millis(1_705_314_600_999);
/// assert_eq!((time.as_millis(), time.as_secs()), (1_705_314_600_999, 1_705_314_600));
/// assert_eq!(serde_json::json!(time), "2024-01-15T10:30:00Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest "now" the engine accepts (start of the year 9800): a session of 100 years still ends before 9999.
    pub(crate) const LATEST_NOW: Timestamp = Timestamp(247_092_076_800_000);

    /// The time this many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the unit of JWT times.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(crate) const fn from_secs(secs: i64) -> Self {
        Timestamp(secs.saturating_mul(1000))
    }

    pub(crate) fn after(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_add(duration.as_millis()))
    }

    pub(crate) fn before(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_sub(duration.as_millis()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl FromMember for Timestamp {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        let problem = "must be a whole number of milliseconds since the epoch";
        value.as_i64().map(Timestamp::from_millis).ok_or_else(|| Error::validation(name, problem))
    }
}

impl PublicValue for Timestamp {
    const KIND: Kind = Kind::Time;
}

/// The source of the current time. The engine itself never lets time run backwards.
///
/// ```
/// use hellojohn::{Clock, Timestamp};
///
/// /// Stands still.
/// struct Noon;
///
/// impl Clock for Noon {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_millis(1_705_320_000_000)
///     }
/// }
///
/// let engine = hellojohn::Engine::builder().clock(Noon).open(":memory:")?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock. The default.
///
/// ```
/// use hellojohn::{Clock, SystemClock};
///
/// assert!(SystemClock.now().as_secs() > 1_700_000_000);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the engine's clock: everything else takes the time from a Clock"
    )]
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(_) => 0, // a clock before 1970; the engine's high-water mark takes over
        };
        Timestamp(millis)
    }
}

/// A clock that moves only by its methods, for tests of an application. Clones show the same time.
///
/// ```
/// use hellojohn::{Engine, ErrorCode, ManualClock, Timestamp};
///
/// let clock = ManualClock::new(Timestamp::from_millis(1_705_314_600_000));
/// let engine = Engine::builder().clock(clock.clone()).open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// clock.advance_millis(3_600_000); // an hour later
/// let refused = tenant.verify_access_token(grant.access_token.expose()).unwrap_err();
/// assert_eq!(refused.error.code(), ErrorCode::TokenExpired);
///
/// let other = clock.clone();
/// other.set(Timestamp::from_millis(0));
/// assert!(clock.is_same_clock(&other));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: Timestamp) -> Self {
        ManualClock(Arc::new(AtomicI64::new(at.0)))
    }

    /// Sets the time, forward or back.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }

    /// Whether both are handles of one clock.
    pub fn is_same_clock(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Moves the time forward by whole milliseconds (back when negative).
    pub fn advance_millis(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Where an engine's time comes from.
pub(crate) enum TimeSource {
    /// A clock of the host's, whose steps are the host's own.
    Injected(Box<dyn Clock>),
    /// The machine's clock, as long as it does not jump.
    Machine(MachineTime),
}

impl TimeSource {
    /// The current time.
    pub(crate) fn now(&self) -> Result<Timestamp, ClockJumped> {
        match self {
            TimeSource::Injected(clock) => Ok(clock.now()),
            TimeSource::Machine(machine) => machine.now(),
        }
    }

    /// Begins to measure how long something takes, for what is told of it and for no decision.
    pub(crate) fn start_timer(&self) -> Timer {
        match self {
            TimeSource::Injected(clock) => Timer::Injected(clock.now()),
            TimeSource::Machine(_) => Timer::Machine(Stopwatch::start()),
        }
    }

    /// The time since this timer of the same source was started; none if an injected clock was set back.
    pub(crate) fn elapsed(&self, timer: &Timer) -> std::time::Duration {
        match (timer, self) {
            (Timer::Machine(stopwatch), _) => stopwatch.elapsed(),
            (Timer::Injected(start), TimeSource::Injected(clock)) => {
                let millis = clock.now().as_millis().saturating_sub(start.as_millis());
                std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(0))
            }
            (Timer::Injected(_), TimeSource::Machine(_)) => std::time::Duration::ZERO,
        }
    }

    /// Takes the machine's clock to be right as it stands now.
    pub(crate) fn trust(&self) {
        if let TimeSource::Machine(machine) = self {
            machine.anchor(machine.read());
        }
    }
}

/// When something began, by the clock that measures it.
pub(crate) enum Timer {
    Injected(Timestamp),
    Machine(Stopwatch),
}

/// The machine's clock was set ahead while this process ran.
pub(crate) struct ClockJumped;

/// Both clocks of the machine at one moment, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Since the Unix epoch; an operator or a time server can set it.
    pub wall: i64,
    /// Since some moment before the process began; only passing time moves it, sleep of the machine too.
    pub elapsed: i64,
}

impl Reading {
    fn offset(self) -> i64 {
        self.wall.saturating_sub(self.elapsed)
    }
}

/// Steps of the wall clock that count as none: the two clocks are not read at the same instant.
const STEP_MS: i64 = 1_000;

/// The wall clock, held against the clock that only passing time moves.
pub(crate) struct MachineTime {
    read: Box<dyn Fn() -> Reading + Send + Sync>,
    max_jump_ms: i64,
    /// The wall clock minus the elapsed time, at the furthest step ahead that was accepted. A step back leaves it: the step
    /// that corrects it later is no jump.
    offset: AtomicI64,
}

impl MachineTime {
    /// The machine's clocks; a step ahead of more than this is a jump.
    pub(crate) fn new(max_jump: Duration) -> Self {
        MachineTime::reading(max_jump, Box::new(read_machine))
    }

    /// Clocks that this function reads.
    pub(crate) fn reading(max_jump: Duration, read: Box<dyn Fn() -> Reading + Send + Sync>) -> Self {
        let offset = AtomicI64::new(read().offset());
        MachineTime { read, max_jump_ms: max_jump.as_millis(), offset }
    }

    fn read(&self) -> Reading {
        (self.read)()
    }

    fn anchor(&self, reading: Reading) {
        self.offset.store(reading.offset(), Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Result<Timestamp, ClockJumped> {
        let reading = self.read();
        let step = reading.offset().saturating_sub(self.offset.load(Ordering::Relaxed));
        if step > self.max_jump_ms {
            return Err(ClockJumped);
        }
        if step > STEP_MS {
            // Steps that were accepted do not add up to a jump.
            self.offset.fetch_max(reading.offset(), Ordering::Relaxed);
        }
        Ok(Timestamp(reading.wall))
    }
}

fn read_machine() -> Reading {
    Reading { wall: SystemClock.now().as_millis(), elapsed: read_elapsed() }
}

/// The clock that goes on while the machine sleeps.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SLEEPLESS_CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
#[cfg(target_vendor = "apple")]
const SLEEPLESS_CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC_RAW;

/// The time since the machine started, its sleep included.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn read_elapsed() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` can be written. The call fails only on a kernel from before 2011; the time is then 0, and every step
    // looks like a jump, which refuses instead of accepting.
    unsafe { libc::clock_gettime(SLEEPLESS_CLOCK, &raw mut time) };
    time.tv_sec.saturating_mul(1_000) + time.tv_nsec / 1_000_000
}

/// The time since the process began to read it. Elsewhere the standard library's clock goes on while the machine sleeps.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn read_elapsed() -> i64 {
    static BEGAN: std::sync::OnceLock<Stopwatch> = std::sync::OnceLock::new();
    i64::try_from(BEGAN.get_or_init(Stopwatch::start).elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Measures how long work or waiting has taken. Only for time limits, never for a decision about a session.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the engine's stopwatch: everything else measures with it")]
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }

    /// The time that remains until this limit.
    pub(crate) fn remaining(&self, limit: std::time::Duration) -> std::time::Duration {
        limit.saturating_sub(self.elapsed())
    }
}

#[cfg(test)]
mod tests;
