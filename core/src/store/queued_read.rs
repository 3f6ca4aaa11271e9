//! A read that was announced and not waited for yet.

/// A read that waits for the next round trip of a store over a network. Dropped without [`Store::read_queued`], it is taken
/// out of the line.
///
/// [`Store::read_queued`]: super::Store::read_queued
pub(crate) struct QueuedRead(
    #[cfg(feature = "postgres")] pub(in crate::store) super::postgres::QueuedLookUp,
    /// No other store has any.
    #[cfg(not(feature = "postgres"))]
    pub(in crate::store) std::convert::Infallible,
);
