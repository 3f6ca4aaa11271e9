//! Who may open the files of a database.

use crate::word_enum::word_enum;

word_enum! {
    /// Which accounts of the system may open the files that the engine creates: the database, its log and the log's index.
    /// The mask of the process (`umask`) plays no part. A file that was there before keeps its mode, and the log and its
    /// index take theirs from the database. On Windows the folder's access list decides, whatever is chosen here.
    pub enum FileAccess as "file_access" default Owner {
        /// Only the account that runs the process: mode 0600. The default.
        Owner = "owner",
        /// The members of the file's group, too: mode 0660. Every process on a database has to write to it, so there is no
        /// mode for reading alone.
        Group = "group",
    }
}

impl FileAccess {
    /// The mode of a new file.
    #[cfg(unix)]
    pub(crate) fn mode(self) -> u32 {
        match self {
            FileAccess::Owner => 0o600,
            FileAccess::Group => 0o660,
        }
    }
}
