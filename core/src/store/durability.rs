//! What an acknowledged write survives.

use crate::word_enum::word_enum;

word_enum! {
    /// When an acknowledged write counts as kept.
    pub enum Durability as "durability" default Full {
        /// Every write is on disk before it is acknowledged: a power loss takes nothing back. The default.
        Full = "full",
        /// Acknowledged writes survive a crash of the process. A power loss may take back the last of them; it never
        /// corrupts the database.
        Normal = "normal",
    }
}
