//! A read that was announced and not waited for yet.

use std::any::Any;

/// A read that waits for the next round trip of a store over a network. Dropped without [`Store::read_queued`], it is taken
/// out of the line.
///
/// [`Store::read_queued`]: super::Store::read_queued
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for a store over a network"))]
pub(crate) struct QueuedRead(
    /// Its place in the line, which only the store that gave it out knows.
    pub(in crate::store) Box<dyn Any + Send>,
);
