//! Which file systems cannot keep a database that several processes share. Over a network, a process need not see the
//! locks and the shared memory of a process on another machine, nor always those of another mount of the same folder;
//! SQLite then corrupts the file without a sign. A file system in user space (FUSE) may be either, and does not say.

use std::path::{Path, PathBuf};

use crate::error::{ErrorCode, Failure};

/// Fails with `storage_io` if the file, or the folder in which its log will be, is on such a file system. A file system
/// that is not known passes.
pub(in super::super) fn require_local(path: &Path) -> Result<(), Failure> {
    // Where a link leads: SQLite puts the log there.
    let file = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = file.parent().map(Path::to_owned).unwrap_or_else(|| PathBuf::from("/"));
    match [file, folder].iter().find_map(|path| shared_kind(path)) {
        None => Ok(()),
        Some(kind) => Err(Failure::new(
            ErrorCode::StorageIo,
            format!(
                "the database is on {kind}, where processes need not see each other's locks; keep it on a local disk, or set \
                 the option that allows network file systems if one process alone ever opens it"
            ),
        )),
    }
}

/// What the file system at this path is, if it is one of these; nothing for a path that is not there.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn shared_kind(path: &Path) -> Option<&'static str> {
    let found = describe(path)?;
    // The type is 32 bits wide, in a field that differs between processors.
    kind_of_type(found.f_type as u32)
}

#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
fn shared_kind(path: &Path) -> Option<&'static str> {
    let found = describe(path)?;
    let is_local = found.f_flags as u64 & libc::MNT_LOCAL as u64 != 0;
    (!is_local).then_some("a network file system")
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
)))]
fn shared_kind(_: &Path) -> Option<&'static str> {
    None
}

/// What the system says of the file system at this path.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
))]
fn describe(path: &Path) -> Option<libc::statfs> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
    let mut found = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends with NUL; the kernel fills the structure if it answers 0.
    unsafe { (libc::statfs(path.as_ptr(), found.as_mut_ptr()) == 0).then(|| found.assume_init()) }
}

/// Types of file systems as Linux numbers them (statfs(2), linux/magic.h, and the sources of those that are not in Linux).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn kind_of_type(number: u32) -> Option<&'static str> {
    Some(match number {
        0x0000_6969 => "a network file system (NFS)",
        0x0000_517b | 0xff53_4d42 | 0xfe53_4d42 => "a network file system (SMB)",
        0x0102_1997 => "a network file system (9P, as virtual machines and WSL share folders)",
        0x6573_5546 => "a file system in user space (FUSE, as sshfs, virtiofs and Docker Desktop use it)",
        0x00c3_6400 => "a network file system (Ceph)",
        0x5346_414f | 0x6b41_4653 => "a network file system (AFS)",
        0x7375_7245 => "a network file system (Coda)",
        0x0000_564c => "a network file system (NCP)",
        0x0bd0_0bd0 => "a network file system (Lustre)",
        0x4750_4653 => "a network file system (GPFS)",
        0x1983_0326 => "a network file system (BeeGFS)",
        0x2003_0528 => "a network file system (OrangeFS)",
        0x0116_1970 => "a file system of a cluster (GFS2)",
        0x7461_636f => "a file system of a cluster (OCFS2)",
        0x786f_4256 => "a folder that VirtualBox shares",
        0xbacb_acbc => "a folder that VMware shares",
        0x7c7c_6673 => "a folder that Parallels shares",
        0x00c0_ffee => "a folder of a host (hostfs)",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn network_and_user_space_file_systems_are_known_by_their_numbers() {
        let shared = [
            libc::NFS_SUPER_MAGIC,
            libc::SMB_SUPER_MAGIC,
            libc::FUSE_SUPER_MAGIC,
            libc::AFS_SUPER_MAGIC,
            libc::CODA_SUPER_MAGIC,
            libc::NCP_SUPER_MAGIC,
            libc::OCFS2_SUPER_MAGIC,
            libc::HOSTFS_SUPER_MAGIC,
        ];
        for number in shared {
            assert!(kind_of_type(number as u32).is_some(), "{number:#x}");
        }
        assert!(kind_of_type(0x0102_1997).unwrap().contains("9P"));
        assert!(kind_of_type(0x00c3_6400).unwrap().contains("Ceph"));
        let local = [
            libc::EXT4_SUPER_MAGIC,
            libc::BTRFS_SUPER_MAGIC,
            libc::XFS_SUPER_MAGIC,
            libc::TMPFS_MAGIC,
            libc::OVERLAYFS_SUPER_MAGIC,
            libc::F2FS_SUPER_MAGIC,
            0x2fc1_2fc1, // ZFS
        ];
        for number in local {
            assert_eq!(kind_of_type(number as u32), None, "{number:#x}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_judged_by_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        require_local(&folder.path().join("sessions.db")).unwrap();
        require_local(&folder.path().join("missing/sessions.db")).unwrap(); // SQLite says what is wrong with it
    }
}
