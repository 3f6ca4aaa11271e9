//! What may be wrong with the protocol: each is found by the search.

/// One part of the protocol that is left out or done wrongly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Sessions are noted after the commit.
    NoteAfterCommit,
    /// Sessions are noted after the header was told.
    NoteAfterTell,
    /// The header is told after the lock was let go.
    TellAfterUnlock,
    /// A writer does not ask whether all before its commit was told.
    WriterDoesNotCompare,
    /// A change that concerns every session is told like others.
    TellsChangeOfAll,
    /// A check looks at the notes only.
    CheckIgnoresHeader,
    /// The notes are read after the told header.
    BucketReadLast,
    /// The clock's word is read after the told header.
    ClockReadLast,
    /// A raised clock mark is not noted.
    ClockNotNoted,
    /// The version is taken after the snapshot began.
    VersionAfterSnapshot,
    /// The version is the number in the bucket.
    VersionFromBucket,
    RepairWithoutLock,
    RepairWithoutEpoch,
    /// Epochs are counted, so that an old copy of the file has one that comes again.
    CountedEpoch,
    /// A repair tells the header before it draws the epoch.
    ToldBeforeEpoch,
    /// The told header is not mixed with the epoch; that is compared by itself.
    ToldNotBound,
    /// A header that counts nothing is told.
    ZeroIsTold,
    /// Readers leave repairs to writers.
    ReadersRepairNothing,
    /// A note whose commit never came stays.
    NotesStay,
    /// The user whose sessions change is not noted.
    UserNotNoted,
    /// The user is noted for changes of one of his sessions only.
    UserNotedForFirstOnly,
}
