import { validationError } from "./errors";
import { clearInterval, setInterval } from "./internal/globals";
import { addon, callAsync, completionQueue } from "./internal/native";
import { readMembers, readPath, readRequiredMembers, readText } from "./internal/validate";

/** How far a copy of a database has come. */
export interface CopyProgress {
  /** How many bytes are copied. */
  copiedBytes: number;
  /** How many there are; 0 before the copy has begun. */
  totalBytes: number;
}

/** Options of {@link backupDatabase}. */
export interface BackupOptions {
  /** Called some ten times a second while the copy goes on, and once when it is whole. */
  onProgress?: ((progress: CopyProgress) => void) | null | undefined;
}

const PROGRESS_INTERVAL_MS = 100;

/**
 * Copies the database in a file, of every tenant and as it is at one instant, into the new file `to`, which is on disk when the
 * promise resolves. Needs no secret key and no open engine, and runs off the event loop. Hosts may go on meanwhile, in this
 * process and in others; the copy is one read of the whole database, during which the log cannot be emptied and grows. New
 * files have the mode 0600. The copy holds what the database holds: keep it as safe as that.
 *
 * Rejects with `storage_io` where a file is at `to` already, which is never replaced, for a database that is not there, and
 * where the copy cannot be written; with `storage_full`, `storage_read_only`, `storage_busy`, `storage_corrupt`,
 * `validation_error`. A call that fails leaves no file.
 *
 * @example
 * ```js
 * await backupDatabase("sessions.db", "sessions.backup.db", {
 *   onProgress: ({ copiedBytes, totalBytes }) => console.log(`${copiedBytes} of ${totalBytes}`),
 * });
 * ```
 */
export async function backupDatabase(database: string, to: string, options?: BackupOptions): Promise<void> {
  const onProgress = readMembers("options", options, ["onProgress"]).get("onProgress") ?? null;
  if (onProgress !== null && typeof onProgress !== "function") {
    throw validationError("onProgress", "must be a function");
  }
  const [from, copy] = [readPath("database", database), readPath("to", to)];
  const progress = new addon.NativeProgress();
  const tell = () => onProgress?.({ copiedBytes: progress.copiedBytes(), totalBytes: progress.totalBytes() });
  const timer = onProgress && setInterval(tell, PROGRESS_INTERVAL_MS);
  try {
    await callAsync(addon.backupDatabase(completionQueue, from, copy, progress));
  } finally {
    if (timer) clearInterval(timer);
  }
  tell();
}

/**
 * Makes the database in the file `to` from a backup, in place of what is there. No engine may have `to` open.
 *
 * `policy` must be given: `"end_all"` ends every session (reason `restored`), so that none that ended after the backup was made
 * lives again; `"keep"` leaves sessions as they were then.
 *
 * Rejects with `storage_corrupt` if `checkDatabase` finds anything in the backup, and if what is at `to` is damaged (move it
 * away first); with `storage_busy` while an engine has `to` open; otherwise as {@link backupDatabase}. `to` is as it was then.
 *
 * @example
 * ```js
 * await restoreDatabase("sessions.backup.db", "sessions.db", { policy: "end_all" });
 * ```
 */
export async function restoreDatabase(
  backup: string,
  to: string,
  options: { policy: "end_all" | "keep" },
): Promise<void> {
  const policy = readText("policy", readRequiredMembers("options", options, ["policy"]).get("policy"));
  const [from, target] = [readPath("backup", backup), readPath("to", to)];
  await callAsync(addon.restoreDatabase(completionQueue, from, target, policy));
}
