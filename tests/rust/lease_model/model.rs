//! The protocol as a machine of small steps. Time is a number that grows by a step of its own, so that anything may take any
//! time; one step of a process is what it does at one instant.

/// One part of the protocol that is left out or done wrongly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The ending call returns with its commit.
    EndDoesNotWait,
    /// The wait is counted from the beginning of the transaction.
    WaitFromBegin,
    /// The ending call waits as long as it would have had to when its process was opened.
    WaitReadAtOpening,
    /// A call that finds the session ended returns at once.
    FoundEndedDoesNotWait,
    /// The wait is counted from the loss of the answer to COMMIT, not from the moment at which the outcome is known.
    WaitFromLoss,
    /// A lease begins when the answer has come.
    InstantAfterTrip,
    /// The clock of leases stands still while the machine sleeps.
    ClockStopsInSleep,
    /// A lease still runs when it is exactly as old as it is long.
    LengthIncluded,
    /// The longer lease is written without the turn.
    RaiseNotOrdered,
    /// The longer lease is allowed in the commit that has calls wait longer.
    RaisedAtOnce,
    /// The longer lease is allowed though the leases were shortened since calls wait longer.
    RaiseIgnoresLower,
    /// A lease is as long as its process likes, whatever the database allows.
    LeaseIgnoresDatabase,
    /// A shorter lease shortens the wait at once.
    LowerDoesNotWait,
    /// The wait is shortened though a longer lease was agreed on meanwhile.
    LowerIgnoresRaise,
    /// An end by the clock is judged by the time that the database told, as if none had passed.
    ClockStandsStill,
    /// The time that has passed since the database told its own is counted from when the answer came.
    ClockFromAnswer,
    /// A process goes on remembering what it has ended itself.
    OwnEndForgetsNothing,
    /// A process goes on remembering what it has found ended when it was to end it.
    FoundEndForgetsNothing,
    /// A process forgets when it sends the commit, not after.
    OwnEndForgetsEarly,
}

/// What a process was opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Store,
    Lease(u8),
    Stale(u8),
}

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub name: &'static str,
    pub modes: [Mode; 2],
    /// Which of the processes are open from the beginning.
    pub open: [bool; 2],
    pub ends: [bool; 2],
    /// Whether the machine of the second process may sleep.
    pub sleeps: bool,
    /// To what an operator may shorten the leases.
    pub lowers_to: Option<u8>,
    /// Whether the leases were shortened to nothing before, and a process that plays no other part asks for longer ones of a server that
    /// a standby may take over from.
    pub fails_over: bool,
    /// When the session ends by the clock.
    pub expires_at: u8,
    /// When the search stops.
    pub until: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum Opening {
    #[default]
    Closed,
    HasTurn,
    /// Calls wait longer since this change.
    Raised(u8),
    Open,
}

/// An ending call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum Call {
    #[default]
    None,
    /// It has read how long to wait, and whether the session has ended.
    HasTurn {
        wait: u8,
        began: u8,
        found: bool,
    },
    /// COMMIT is sent.
    Sent {
        wait: u8,
        began: u8,
    },
    Committed {
        wait: u8,
        began: u8,
    },
    /// The answer to COMMIT was lost at this time.
    Lost {
        wait: u8,
        at: u8,
        is_committed: bool,
    },
    Waits {
        wait: u8,
        since: u8,
    },
    Returned,
}

/// What a trip brings, or has brought.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Answer {
    pub start: u8,
    pub length: u8,
    pub told: u8,
    /// From when the time since `told` is counted.
    pub told_since: u8,
    pub own: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum Trip {
    #[default]
    None,
    /// The instant is taken, the statement sent.
    Sent(Answer),
    /// The server has answered.
    Answered(Answer),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Process {
    pub opening: Opening,
    /// How long calls had to wait when it was opened.
    pub wait_at_opening: u8,
    pub trip: Trip,
    pub remembered: Option<Answer>,
    /// Its own commits.
    pub own: u8,
    pub call: Call,
    pub sleeps: bool,
    /// For how long it has slept.
    pub slept: u8,
}

/// What the row says that is the turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Terms {
    /// How long a lease may be.
    pub lease: u8,
    /// How long calls wait.
    pub wait: u8,
    /// Counts the changes.
    pub change: u8,
}

/// The operator's call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) enum Lowering {
    #[default]
    None,
    Waits {
        wait: u8,
        since: u8,
        change: u8,
    },
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct State {
    pub now: u8,
    pub turn_is_taken: bool,
    pub ended_at: Option<u8>,
    pub terms: Terms,
    /// What the standby has of them.
    pub standby: Terms,
    pub has_failed_over: bool,
    pub processes: [Process; 2],
    pub lowering: Lowering,
    /// The process that plays no other part.
    pub other: Opening,
}

/// What an acceptance broke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Broken {
    /// An ending call had returned.
    AcceptedAfterEnd,
    /// The database's clock had ended the session.
    AcceptedAfterExpiry,
    /// It had ended longer ago than may be overlooked.
    StaleForTooLong,
}

impl State {
    pub(crate) fn first(scenario: &Scenario) -> State {
        let mut state = State::default();
        let terms = &mut state.terms;
        for (process, (mode, is_open)) in
            state.processes.iter_mut().zip(scenario.modes.iter().zip(scenario.open))
        {
            if is_open {
                process.opening = Opening::Open;
                if let Mode::Lease(length) = *mode {
                    terms.lease = terms.lease.max(length);
                }
            }
        }
        if scenario.fails_over {
            terms.lease = 0;
        }
        terms.wait = terms.lease;
        state.standby = *terms;
        for process in &mut state.processes {
            process.wait_at_opening = terms.wait;
        }
        state
    }
}
