//! The database file before SQLite opens it: SQLite would create it with a mode that depends on the process's mask, and
//! gives its log and the log's index whatever mode the database has.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::store::file_access::FileAccess;

/// How many links the operating system follows, too.
const LINKS_MAX: usize = 40;

/// Creates the file, empty and with the mode of this access, if it is not there. Opens no file that is there: closing it
/// would drop the locks of the process's other connections (POSIX, `fcntl`).
pub(super) fn create_missing(path: &Path, access: FileAccess) -> io::Result<()> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match create_new(&path, access) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created,
        }
        match fs::metadata(&path) {
            Ok(_) => return Ok(()),
            // A link to a file that is not there yet.
            Err(error) if error.kind() == ErrorKind::NotFound => path = target(&path)?,
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links"))
}

fn target(link: &Path) -> io::Result<PathBuf> {
    let target = fs::read_link(link)?;
    Ok(link.parent().map_or(target.clone(), |folder| folder.join(target)))
}

/// Creates a file that is not there.
#[cfg(unix)]
pub(super) fn create_new(path: &Path, access: FileAccess) -> io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let file = fs::OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(path)?;
    // The mask took bits away. A file system that keeps no modes refuses, and has its own way to say who may open files.
    let _ = file.set_permissions(fs::Permissions::from_mode(access.mode()));
    Ok(())
}

/// Creates a file that is not there.
#[cfg(not(unix))]
pub(super) fn create_new(path: &Path, _: FileAccess) -> io::Result<()> {
    fs::File::create_new(path).map(drop)
}
