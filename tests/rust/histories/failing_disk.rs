//! The disk under a history: which calls it fails, and what it holds after a power loss.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::dice::Dice;
use crate::disk::{CrashKind, Disk, DiskModel, Fault, FolderImage, Plan};

/// One call in so many meets a failure.
const FAULTS: usize = 6;

/// One failure in so many goes on for some calls.
const SPELLS: usize = 4;

/// A folder whose disk fails when the dice say so.
pub struct FailingDisk {
    folder: TempDir,
    disk: Disk,
    /// What was written so far, and what of it was synced.
    written: DiskModel,
    /// How many of the next calls fail, and how.
    spell: (usize, Fault),
    /// Whether the engine waits for another writer.
    pub waits: bool,
}

impl Default for FailingDisk {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::watch(folder.path());
        disk.skip_syncs();
        disk.record();
        FailingDisk { folder, disk, written: DiskModel::default(), spell: (0, Fault::Device), waits: false }
    }
}

impl FailingDisk {
    /// The database file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("sessions.db")
    }

    /// Decides how the next call fails, if it does. Work in steps ends its steps by the time that they take, so that only its first step
    /// can fail in the same way each time, and only wholly.
    pub fn begin(&mut self, dice: &mut Dice, is_in_steps: bool) -> Option<Plan> {
        let plan = self.draw(dice).map(|plan| if is_in_steps { Plan { at: 1, ..plan } } else { plan });
        let plan = plan.filter(|plan| !(is_in_steps && plan.fault == Fault::Sync));
        self.disk.begin(plan);
        plan
    }

    fn draw(&mut self, dice: &mut Dice) -> Option<Plan> {
        if self.spell.0 > 0 {
            self.spell.0 -= 1;
            return Some(Plan { at: 1, fault: self.spell.1, lasts: true });
        }
        if !dice.one_in(FAULTS) {
            return None;
        }
        use Fault::{Busy, Device, Full, Lock, ShortWrite, Sync};
        let fault =
            *dice.pick(&[Device, Device, Device, Full, Full, ShortWrite, ShortWrite, Lock, Lock, Busy, Sync]);
        // A write has one sync, its commit's.
        let span = if fault == Sync { 1 } else { *dice.pick(&[1, 4, 12]) };
        let (at, lasts) = (1 + dice.below(span), dice.one_in(3));
        // A lock that stays taken would be waited for as long as the engine may, by the clock of the machine. A sync fails once: writes
        // are refused from then on.
        let lasts = lasts && !(fault == Busy && self.waits);
        if lasts && fault != Sync && dice.one_in(SPELLS) {
            self.spell = (1 + dice.below(6), fault);
        }
        Some(Plan { at, fault, lasts })
    }

    /// No call fails any more. How many did since [`begin`](Self::begin).
    pub fn heal(&mut self) -> usize {
        self.disk.heal();
        let faults = self.disk.faults();
        self.disk.begin(None);
        self.take_events();
        faults
    }

    fn take_events(&mut self) {
        for event in self.disk.take_events() {
            self.written.apply(&event);
        }
    }

    /// What the folder may hold if the power fails now.
    pub fn image(&mut self, kind: CrashKind, dice: &mut Dice) -> FolderImage {
        self.take_events();
        self.written.crash(kind, dice)
    }

    /// Makes the folder hold this, while no file of it is open.
    pub fn put(&mut self, image: &FolderImage) {
        image.write(self.folder.path());
        self.disk.record_from(image);
        self.written = DiskModel::of(image);
    }
}
