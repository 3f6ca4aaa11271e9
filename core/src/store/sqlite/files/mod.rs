//! The files of an open database: that they are what SQLite takes them for, that its locks hold, and that both are noticed
//! when they are not. `docs/DATABASE-FILE.md` tells it as a whole.

mod file_system;

#[cfg(unix)]
mod claim;
#[cfg(target_os = "linux")]
mod description_locks;
#[cfg(unix)]
mod folder;
#[cfg(unix)]
mod identity;
#[cfg(target_os = "linux")]
mod lock_table;
#[cfg(all(unix, not(target_os = "linux")))]
mod process_locks;
#[cfg(unix)]
mod shared_words;
#[cfg(unix)]
mod watch;

#[cfg(not(unix))]
mod elsewhere;

#[cfg(unix)]
pub(super) use self::claim::FileClaim;
#[cfg(target_os = "linux")]
use self::description_locks as locks;
#[cfg(not(unix))]
pub(super) use self::elsewhere::{BUCKETS, FileClaim, FileWatch, SESSION_BUCKETS, SharedWords, USER_BUCKETS};
pub(super) use self::file_system::require_local;
#[cfg(all(unix, not(target_os = "linux")))]
use self::process_locks as locks;
#[cfg(unix)]
pub(super) use self::shared_words::{BUCKETS, SESSION_BUCKETS, SharedWords, USER_BUCKETS};
#[cfg(unix)]
pub(super) use self::watch::FileWatch;
