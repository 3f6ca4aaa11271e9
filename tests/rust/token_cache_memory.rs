//! The cache of verified tokens and lists occupies no more memory than it was allowed, whatever the sessions carry. A program of its own, because it
//! counts every byte that the process allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use hellojohn::{CreateSession, Engine, ListQuery, SessionFilter};
use hellojohn_tests::fixture::{Database, Process, START, tenant, user};

struct CountingAllocator;

/// The bytes that are allocated now.
static ALLOCATED: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's, which made the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn allocated() -> isize {
    ALLOCATED.load(Ordering::Relaxed)
}

/// Claims that are small as text and large in memory, and others.
fn claims() -> Vec<(&'static str, String)> {
    let list = |item: &str, count: usize| vec![item; count].join(",");
    let members = |value: &str, count: usize| {
        (0..count).map(|n| format!("\"m{n:03}\":{value}")).collect::<Vec<_>>().join(",")
    };
    vec![
        ("none", "{}".to_owned()),
        ("small integers", format!("{{\"n\":[{}]}}", list("1", 2_000))),
        ("empty arrays", format!("{{\"n\":[{}]}}", list("[]", 1_200))),
        ("empty objects", format!("{{\"n\":[{}]}}", list("{}", 1_200))),
        ("objects of one member", format!("{{\"n\":[{}]}}", list("{\"a\":1}", 450))),
        ("empty texts", format!("{{\"n\":[{}]}}", list("\"\"", 1_200))),
        ("texts of one character", format!("{{\"n\":[{}]}}", list("\"x\"", 900))),
        ("many members", format!("{{{}}}", members("0", 370))),
        ("members with texts", format!("{{{}}}", members("\"y\"", 300))),
        ("one long text", format!("{{\"t\":\"{}\"}}", "z".repeat(4_000))),
    ]
}

#[test]
fn the_cache_occupies_no_more_memory_than_it_was_allowed() {
    const LIMIT: usize = 4 << 20;
    for (name, claims) in claims() {
        let database = Database::new();
        let builder = Engine::builder().token_cache_bytes(LIMIT);
        let process = Process::open(database.path(), START, builder);
        let tenant = tenant(&process.engine, "tnt");
        let create = |number: usize| {
            let mut request = CreateSession::new(user(&format!("usr_{}", number / 3)));
            request.identity.claims = claims.parse().expect("claims");
            tenant.create(request).expect("a sign-in").access_token
        };
        // Of most kinds more than fit.
        let count = if claims.len() < 1_000 { 700 } else { 80 };
        let tokens: Vec<_> = (0..count).map(create).collect();
        tenant.verify_locally(tokens[0].expose(), &Default::default()).expect("a good token");

        let before = allocated();
        for token in &tokens {
            tenant.verify_access_token(token.expose()).expect("a good token");
        }
        let growth = allocated() - before;
        // Beside the cache: what a first read prepares, statements among it.
        const BESIDE: usize = 64 << 10;
        assert!(growth <= (LIMIT + BESIDE) as isize, "{name}: {growth} bytes");
        assert!(growth >= LIMIT as isize / 10, "{name}: {growth} bytes only, the count is far too high");

        let list = |number: usize| {
            let filter = SessionFilter::of_user(user(&format!("usr_{number}")));
            assert_eq!(tenant.list(&ListQuery::default().filter(filter)).expect("a list").data.len(), 3);
        };
        list(0);
        (0..count / 3).for_each(list);
        let growth = allocated() - before;
        assert!(growth <= (LIMIT + BESIDE) as isize, "{name}: {growth} bytes with lists");
    }
}
