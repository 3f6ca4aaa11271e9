//! The world: a database's header and lock, the shared file, and what each process is about to do. One step is one load or one store
//! of one word, or taking or letting go of the lock. The header has two words here, so that a torn one can be seen; so has the
//! told one, each with the half of the epoch that is mixed into it.

/// What a writer's transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum Operation {
    #[default]
    First,
    Second,
    Both,
    /// Settings or keys: concerns every session, and is not told.
    All,
    RaiseClock,
    /// The first session is noted and nothing committed.
    RollBack,
    /// So, but the log begins anew, which changes the header.
    RestartLog,
}

impl Operation {
    pub(crate) const ALL: [Operation; 7] = [
        Operation::First,
        Operation::Second,
        Operation::Both,
        Operation::All,
        Operation::RaiseClock,
        Operation::RollBack,
        Operation::RestartLog,
    ];

    /// Which sessions it changes.
    pub(crate) fn sessions(self) -> [bool; 2] {
        match self {
            Operation::First | Operation::RollBack | Operation::RestartLog => [true, false],
            Operation::Second => [false, true],
            Operation::Both => [true, true],
            Operation::All | Operation::RaiseClock => [false, false],
        }
    }

    pub(crate) fn commits(self) -> bool {
        !matches!(self, Operation::RollBack | Operation::RestartLog)
    }

    pub(crate) fn writes_header(self) -> bool {
        self != Operation::RollBack
    }
}

/// What another program does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum ForeignOperation {
    #[default]
    First,
    Second,
    RestartLog,
    /// A commit after which the log is emptied and its index built anew.
    EmptyLog,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct SharedFile {
    pub epoch: u8,
    pub clock: u8,
    /// By session, then by their user.
    pub buckets: [u8; 3],
    /// Each word with the epoch that it is mixed with.
    pub told: [(u8, u8); 2],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum WriterStep {
    #[default]
    Idle,
    Compare,
    Repair(u8),
    Note(u8),
    NoteClock,
    FirstWord,
    SecondWord,
    TakeBack,
    Tell(u8),
    Unlock,
    LateTell(u8),
    LateNote(u8),
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Writer {
    pub step: WriterStep,
    pub left: u8,
    pub operation: Operation,
    /// The number that its commit will have; 0 where it notes and tells nothing.
    pub next: u8,
    pub file: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum ForeignStep {
    #[default]
    Idle,
    FirstWord,
    SecondWord,
    Unlock,
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Foreign {
    pub step: ForeignStep,
    pub left: u8,
    pub operation: ForeignOperation,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum ReaderStep {
    #[default]
    Idle,
    Look,
    Locked,
    Repair(u8),
    Unlock,
    ReadEpoch,
    ReadCounter,
    Snapshot,
    /// A check, after so many of its loads.
    Check(u8),
    Refused,
    TakeBack,
    UnlockAfterCheck,
    Dead,
}

/// A remembered answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Answer {
    pub is_whole: bool,
    pub epoch: u8,
    pub counter: u8,
    /// What was visible to it.
    pub snapshot: u8,
    pub mark: u8,
    /// Whether nothing has happened since that may end it.
    pub is_clean: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Reader {
    pub step: ReaderStep,
    pub file: u8,
    /// What its answer is about: a session, or [`LIST`].
    pub session: u8,
    pub answer: Answer,
    /// Of a check under way: what it must know, and what it has read.
    pub required: u8,
    pub required_mark: u8,
    pub header: [u8; 2],
    pub clock: u8,
}

/// Which process holds the lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum Lock {
    #[default]
    Free,
    Writer(u8),
    Foreign,
    Reader(u8),
}

/// What a process was killed with in the middle of writing the header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Torn {
    pub is_torn: bool,
    pub changes: [bool; 2],
    pub raises_clock: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct State {
    /// The counter, and the rest: salts and checksums.
    pub header: [u8; 2],
    pub next_rest: u8,
    pub torn: Torn,
    pub lock: Lock,
    /// Counts what became visible; which sessions it changed last; the clock mark.
    pub visible: u8,
    pub changed: [u8; 2],
    pub mark: u8,
    pub files: [SharedFile; 2],
    pub next_epoch: u8,
    /// Which file has the name.
    pub named: u8,
    pub copy: Option<SharedFile>,
    pub has_copied: bool,
    pub writers: [Writer; 2],
    pub foreign: Foreign,
    pub readers: [Reader; 2],
    pub kills: u8,
    pub accidents: u8,
}

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub name: &'static str,
    /// How many transactions each writer has.
    pub writers: [u8; 2],
    pub foreign: u8,
    pub readers: u8,
    pub kills: u8,
    pub accidents: u8,
    /// Whether both sessions are in one bucket.
    pub shares_bucket: bool,
    /// Whether lists are remembered, so that the user is noted, too; the first reader remembers one.
    pub has_lists: bool,
}

/// The list of both sessions, which are of one user.
pub(crate) const LIST: u8 = 2;

impl Scenario {
    pub(crate) fn bucket(&self, session: u8) -> usize {
        if self.shares_bucket && session != LIST { 0 } else { usize::from(session) }
    }

    pub(crate) fn first(&self) -> State {
        let mut state = State {
            header: [1, 1],
            next_rest: 2,
            next_epoch: 2,
            kills: self.kills,
            accidents: self.accidents,
            ..State::default()
        };
        state.files[0] = SharedFile { epoch: 1, told: [(1, 1); 2], ..SharedFile::default() };
        for (writer, left) in state.writers.iter_mut().zip(self.writers) {
            writer.left = left;
            if left == 0 {
                writer.step = WriterStep::Dead;
            }
        }
        state.foreign.left = self.foreign;
        state.readers[1].session = 1;
        if self.has_lists {
            state.readers[0].session = LIST;
        }
        if self.readers < 2 {
            state.readers[1].step = ReaderStep::Dead;
        }
        state
    }
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Broken {
    /// An answer was accepted that lacks a change which was visible when the check began.
    Stale,
    /// An answer was accepted by a clock before the one that was visible when the check began.
    StaleClock,
    /// An answer was not kept though nothing has happened that may end it.
    Forgotten,
    /// A reader alone never comes to keep an answer.
    NeverKept,
}
