//! What an acknowledged write survives.

/// When an acknowledged write counts as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Every write is on disk before it is acknowledged: a power loss takes nothing back. The default.
    #[default]
    Full,
    /// Acknowledged writes survive a crash of the process. A power loss may take back the last of them; it never corrupts
    /// the database.
    Normal,
}
