//! Where the database of a history lives, and opening it.

use std::path::PathBuf;
use std::time::Duration;

use hellojohn::{Durability, Engine, Error, ManualClock, Tenant};

use crate::fixture::{Database, SECRET, seeded};

use super::failing_disk::FailingDisk;

/// How many tenants a database has.
pub(super) const TENANTS: usize = 2;

/// Where a database lives.
pub enum Place {
    /// As long as its engine.
    Memory,
    /// In a file, or in a schema where `HJ_PG` names a server.
    File(Database),
    /// In a file on a disk that fails.
    FailingDisk(Box<FailingDisk>),
}

impl Place {
    /// What the engine opens.
    pub fn path(&self) -> PathBuf {
        match self {
            Place::Memory => ":memory:".into(),
            Place::File(database) => database.path(),
            Place::FailingDisk(disk) => disk.path(),
        }
    }
}

/// Mostly so few that what ends more than one session is a bulk end.
pub(super) fn direct_ends_max(seed: u64) -> usize {
    [500, 0, 1, 3][seed as usize % 4]
}

/// Opens the database and its tenants.
pub(super) fn open(
    place: &mut Place,
    clock: &ManualClock,
    seed: u64,
) -> Result<(Engine, Vec<Tenant>), Error> {
    let mut builder = Engine::builder()
        .direct_ends_max(direct_ends_max(seed))
        .clock(clock.clone())
        .random(seeded(seed))
        .durability(Durability::Normal);
    if let Place::FailingDisk(disk) = place {
        disk.waits = seed.is_multiple_of(2);
        let patience = Duration::from_secs(u64::from(disk.waits));
        builder = builder.durability(Durability::Full).busy_timeout(patience);
    }
    let engine = builder.open(place.path())?;
    let tenant = |tenant_index| {
        let id = format!("tnt_{tenant_index}");
        engine.tenant(&id.parse().expect("an id"), &SECRET.parse().expect("a secret key"))
    };
    let tenants = (0..TENANTS).map(tenant).collect::<Result<_, _>>()?;
    Ok((engine, tenants))
}
