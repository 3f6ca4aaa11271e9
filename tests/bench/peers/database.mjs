// A database as every peer gets it: write-ahead log, each commit on disk before the answer, our engine's checkpoint size.
import { join } from "node:path";
import Database from "better-sqlite3";

export function database(folder, name) {
  const db = new Database(join(folder, `${name}.db`));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("wal_autocheckpoint = 16000");
  return db;
}

/** Runs work that is not measured without waiting for the disk. */
export async function quickly(db, work) {
  db.pragma("synchronous = OFF");
  try {
    return await work();
  } finally {
    db.pragma("synchronous = FULL");
  }
}
