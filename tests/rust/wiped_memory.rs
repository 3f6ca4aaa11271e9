//! Keys are wiped from memory before it is given back: an allocator looks into every block that is freed.
//!
//! Its reach: the heap of this process, while it runs. Registers and the stack, where arithmetic keeps copies for a moment,
//! pages that the system writes to a swap file, and a dump of the living process are out of it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use hellojohn::{
    ConfigPatch, CreateSession, Engine, IdentityPatch, ManualClock, Random, RandomUnavailable, SecretKey,
    SignOutScope, Tenant, Timestamp,
};
use serde_json::json;

/// The beginning of every key that the engine draws.
const KEY_MARK: &[u8; 16] = b"drawn key, wiped";
/// A part of the secret keys, which are texts that the host hands in.
const SECRET_MARK: &[u8; 16] = b"WipeThisSecretK3";
const SECRET: &str = "sk_test_WipeThisSecretK3_first";
const NEW_SECRET: &str = "sk_test_WipeThisSecretK3_second";

static IS_WATCHING: AtomicBool = AtomicBool::new(false);
static LEFT: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
static LAST_SIZE: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which counts the freed blocks that still hold a mark.
struct Watch;

impl Watch {
    /// # Safety
    /// The block is allocated and has this size.
    unsafe fn look(block: *const u8, size: usize) {
        if !IS_WATCHING.load(Ordering::Relaxed) {
            return;
        }
        for (mark, left) in [KEY_MARK, SECRET_MARK].into_iter().zip(&LEFT) {
            // SAFETY: both areas are readable; bytes that were never written compare as whatever they are.
            let found = unsafe { libc::memmem(block.cast(), size, mark.as_ptr().cast(), mark.len()) };
            if !found.is_null() {
                left.fetch_add(1, Ordering::Relaxed);
                LAST_SIZE.store(size, Ordering::Relaxed);
            }
        }
    }
}

// SAFETY: every call goes to the system's allocator as it came. A block that is to grow is copied by this type, so that the
// one that is left is looked at.
unsafe impl GlobalAlloc for Watch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise: the block is allocated with this layout.
        unsafe {
            Watch::look(block, layout.size());
            System.dealloc(block, layout);
        }
    }
}

#[global_allocator]
static ALLOCATOR: Watch = Watch;

/// Keys that can be recognised; everything else is different each time, too.
struct Marked(AtomicU64);

impl Random for Marked {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        buffer.fill(0);
        let number = count.to_be_bytes();
        let start = if buffer.len() == 32 { KEY_MARK.len() } else { 0 };
        buffer[..start].copy_from_slice(&KEY_MARK[..start]);
        for (byte, number) in buffer[start..].iter_mut().rev().zip(number.iter().rev()) {
            *byte = *number;
        }
        Ok(())
    }
}

fn use_everything(engine: &Engine) {
    let open = |secret: &str| -> Tenant {
        let secret: SecretKey = secret.parse().unwrap();
        engine.tenant(&"tnt_wiped".parse().unwrap(), &secret).unwrap()
    };
    let tenant = open(SECRET);
    let patch = json!({"event_retention": "30d", "revocation_list": true});
    tenant.update_config(&ConfigPatch::from_json(patch.as_object().unwrap()).unwrap()).unwrap();
    let mut grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
    for _ in 0..3 {
        grant = tenant.refresh(grant.refresh_token.expose(), Default::default()).unwrap();
        tenant.verify_access_token(grant.access_token.expose()).unwrap();
        tenant.update(grant.session.id, IdentityPatch::default()).unwrap();
        tenant.rotate_keys().unwrap();
        tenant.seal_events().unwrap();
        tenant.revocations(0).unwrap();
    }
    assert!(engine.tenant(&"tnt_wiped".parse().unwrap(), &NEW_SECRET.parse().unwrap()).is_err());
    let retiring = tenant.keys().unwrap().into_iter().find(|key| key.retiring_at.is_some()).unwrap();
    tenant.retire_key(retiring.kid).unwrap();
    tenant.rotate_refresh_key().unwrap();
    tenant.change_secret_key(&NEW_SECRET.parse().unwrap()).unwrap();
    let again = open(NEW_SECRET);
    let grant = again.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
    again.sign_out(grant.refresh_token.expose(), SignOutScope::Global).unwrap();
    assert!("sk_test_WipeThisSecretK3\0".parse::<SecretKey>().is_err());
    engine.close().unwrap();
}

#[test]
fn no_key_is_left_in_memory_that_is_given_back() {
    IS_WATCHING.store(true, Ordering::Relaxed);
    // The watch sees what is not wiped.
    for (at, mark) in [KEY_MARK, SECRET_MARK].into_iter().enumerate() {
        drop(std::hint::black_box([&b"before"[..], mark, b"after"].concat()));
        assert_eq!(LEFT[at].swap(0, Ordering::Relaxed), 1);
    }
    let folder = tempfile::tempdir().unwrap();
    for database in [":memory:".into(), folder.path().join("sessions.db")] {
        let clock = ManualClock::new(Timestamp::from_millis(1_767_225_600_000));
        let engine = Engine::builder().clock(clock).random(Marked(AtomicU64::new(0))).open(database).unwrap();
        use_everything(&engine);
        drop(engine);
    }
    let left = [0, 1].map(|at| LEFT[at].load(Ordering::Relaxed));
    assert_eq!(
        left,
        [0, 0],
        "blocks with a drawn key, with a secret key; the last one of {} bytes",
        LAST_SIZE.load(Ordering::Relaxed)
    );
}
