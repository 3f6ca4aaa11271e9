// A database as every peer gets it: write-ahead log, each commit on disk before the answer, our engine's checkpoint size.
import { join } from "node:path";
import Database from "better-sqlite3";

export function database(folder, name) {
  const db = new Database(join(folder, `${name}.db`));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("wal_autocheckpoint = 16000");
  settle(db);
  return db;
}

/**
 * Lets the log reach its full size, as it has in every database that is some minutes old. Until then each commit makes the
 * file longer, which a file system syncs far more slowly than a page that is written again.
 */
function settle(db) {
  db.pragma("synchronous = OFF");
  db.exec("CREATE TABLE filler (bytes BLOB)");
  const fill = db.prepare("INSERT INTO filler VALUES (zeroblob(1000000))");
  const clear = db.prepare("DELETE FROM filler");
  for (let megabytes = 0; megabytes < 66; megabytes++) {
    fill.run();
    clear.run();
  }
  db.exec("DROP TABLE filler");
  db.pragma("wal_checkpoint(RESTART)");
  db.pragma("synchronous = FULL");
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
