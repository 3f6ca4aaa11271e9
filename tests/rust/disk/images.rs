//! What a disk may hold after the power has failed: what was synced, and any part of what was written since.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Event;
use crate::dice::Dice;

/// A disk writes a sector wholly or not at all.
const SECTOR: u64 = 512;

/// Which of the writes since the last sync are on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashKind {
    /// All: only the process was killed.
    Killed,
    /// None.
    Nothing,
    /// The oldest ones of each file, up to some one.
    Oldest,
    /// The newest ones of each file, from some one on.
    Newest,
    /// Any.
    Some,
    /// Any sectors of any.
    Torn,
}

impl CrashKind {
    /// Every kind.
    pub const ALL: [CrashKind; 6] = [
        CrashKind::Killed,
        CrashKind::Nothing,
        CrashKind::Oldest,
        CrashKind::Newest,
        CrashKind::Some,
        CrashKind::Torn,
    ];
}

/// The files of a folder, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderImage(pub BTreeMap<String, Vec<u8>>);

impl FolderImage {
    /// Makes the folder hold these files and no other.
    pub fn write(&self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("a file to remove");
        }
        for (name, content) in &self.0 {
            fs::write(folder.join(name), content).expect("a file");
        }
    }
}

/// A change of a file that no sync has covered.
#[derive(Debug, Clone)]
enum Change {
    Write(u64, std::sync::Arc<[u8]>),
    Truncate(u64),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write(at, bytes) => write_at(content, *at, bytes),
            Change::Truncate(length) => content.resize(*length as usize, 0),
        }
    }

    /// The sectors that a coin lets through.
    fn apply_torn(&self, content: &mut Vec<u8>, dice: &mut Dice) {
        let Change::Write(at, bytes) = self else {
            if dice.one_in(2) {
                self.apply(content);
            }
            return;
        };
        let mut begin = 0;
        while begin < bytes.len() {
            let to_edge = SECTOR - (at + begin as u64) % SECTOR;
            let end = bytes.len().min(begin + to_edge as usize);
            if dice.one_in(2) {
                write_at(content, at + begin as u64, &bytes[begin..end]);
            }
            begin = end;
        }
    }
}

fn write_at(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let (at, end) = (at as usize, at as usize + bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

#[derive(Debug, Default)]
struct ModelFile {
    /// What every process sees.
    cached: Vec<u8>,
    /// What the last sync left on the disk.
    synced: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Add(String, usize),
    Remove(String),
}

/// A disk, as far as the events go that it was given.
#[derive(Debug, Default)]
pub struct DiskModel {
    files: Vec<ModelFile>,
    /// The folder as every process sees it.
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// Reach the disk in their order.
    pending_names: Vec<NameChange>,
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Add(name, file) => names.insert(name.clone(), *file),
            NameChange::Remove(name) => names.remove(name),
        };
    }
}

impl DiskModel {
    /// A disk that holds these files and nothing that is still to be synced.
    pub fn of(image: &FolderImage) -> Self {
        let mut disk = DiskModel::default();
        for (name, content) in &image.0 {
            disk.names.insert(name.clone(), disk.files.len());
            disk.files.push(ModelFile {
                cached: content.clone(),
                synced: content.clone(),
                pending: Vec::new(),
            });
        }
        disk.synced_names = disk.names.clone();
        disk
    }

    /// The next event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(name) => {
                self.files.push(ModelFile::default());
                self.change_name(NameChange::Add(name.clone(), self.files.len() - 1));
            }
            Event::Delete(name, is_synced) => {
                self.change_name(NameChange::Remove(name.clone()));
                if *is_synced {
                    self.sync_names();
                }
            }
            Event::Write(name, at, bytes) => self.change(name, Change::Write(*at, bytes.clone())),
            Event::Truncate(name, length) => self.change(name, Change::Truncate(*length)),
            Event::Sync(name, with_folder) => {
                let file = self.file(name);
                for change in std::mem::take(&mut file.pending) {
                    change.apply(&mut file.synced);
                }
                if *with_folder {
                    self.sync_names();
                }
            }
            Event::LostSync(name) => self.file(name).pending.clear(),
            Event::Mark(_) => {}
        }
    }

    fn file(&mut self, name: &str) -> &mut ModelFile {
        &mut self.files[self.names[name]]
    }

    fn change(&mut self, name: &str, change: Change) {
        let file = self.file(name);
        change.apply(&mut file.cached);
        file.pending.push(change);
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending_names.push(change);
    }

    fn sync_names(&mut self) {
        self.pending_names.clear();
        self.synced_names = self.names.clone();
    }

    /// What the folder may hold if the power fails now.
    pub fn crash(&self, kind: CrashKind, dice: &mut Dice) -> FolderImage {
        let mut names = self.synced_names.clone();
        let named = match kind {
            CrashKind::Killed => self.pending_names.len(),
            CrashKind::Nothing => 0,
            _ => dice.below(self.pending_names.len() + 1),
        };
        self.pending_names[..named].iter().for_each(|change| change.apply(&mut names));
        let content = |file: &ModelFile, dice: &mut Dice| {
            let mut content = file.synced.clone();
            let pending = &file.pending;
            match kind {
                CrashKind::Killed => return file.cached.clone(),
                CrashKind::Nothing => {}
                CrashKind::Oldest | CrashKind::Newest => {
                    let middle = dice.below(pending.len() + 1);
                    let (old, new) = pending.split_at(middle);
                    let kept = if kind == CrashKind::Oldest { old } else { new };
                    kept.iter().for_each(|change| change.apply(&mut content));
                }
                CrashKind::Some => {
                    for change in pending {
                        if dice.one_in(2) {
                            change.apply(&mut content);
                        }
                    }
                }
                CrashKind::Torn => {
                    pending.iter().for_each(|change| change.apply_torn(&mut content, dice));
                }
            }
            content
        };
        FolderImage(names.into_iter().map(|(name, file)| (name, content(&self.files[file], dice))).collect())
    }
}
