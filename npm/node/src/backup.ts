import { validationError } from "./errors";
import type { ReplayReport } from "./generated/types";
import { toReplayReport, type WireReplayReport } from "./generated/wire";
import { clearInterval, setInterval } from "./internal/globals";
import { addon, callAsync, completionQueue } from "./internal/native";
import { copyJson, readMembers, readPath, readRequiredMembers, readText } from "./internal/validate";
import type { Jwks } from "./keys";

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

/** Options of {@link restoreDatabase}. */
export type RestoreOptions =
  | {
      /** What becomes of sessions: all end, or they stay as they were in the backup. */
      policy: "end_all" | "keep";
    }
  | {
      /** Those that ended since end, by a log of events. */
      policy: "replay_events";
      /** The path of the log, which `hj.events.export` wrote. */
      events: string;
      /** The public keys of the time of the export. */
      jwks: Jwks;
    };

const PROGRESS_INTERVAL_MS = 100;

/**
 * Copies the database in a file, of every tenant and as it is at one instant, into the new file `to`, which is on disk when the
 * promise resolves. Needs no secret key and no open engine, and runs off the event loop. Hosts may go on meanwhile, in this
 * process and in others; the copy is one read of the whole database, during which the log cannot be emptied and grows. New
 * files have the mode 0600. The copy holds what the database holds: keep it as safe as that.
 *
 * @throws HelloJohnError `storage_io` where a file is at `to` already, which is never replaced, for a database that is not there, and
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
 * lives again; `"keep"` leaves sessions as they were then. Both resolve to null.
 *
 * `"replay_events"` gives each session of a tenant that ended after the backup was made the end that a log tells of, and leaves the
 * others signed in: `events` is a file that `hj.events.export` wrote after the backup, `jwks` are the public keys of the time of the
 * export. The log's events become the tenant's again, with their numbers and seals. Every session of another tenant ends. What ended
 * after the export lives again; settings and keys are those of the backup: the report to which this resolves tells what to do again.
 *
 * @throws HelloJohnError `storage_corrupt` if `checkDatabase` finds anything in the backup, and if what is at `to` is damaged (move it
 * away first); with `storage_busy` while an engine has `to` open; with `validation_error` for a log that is not as it was exported,
 * that does not follow the last event of the backup, or that does not tell of every end because events were off for a time; otherwise
 * as {@link backupDatabase}. `to` is as it was then.
 *
 * @example
 * ```js
 * await restoreDatabase("sessions.backup.db", "sessions.db", { policy: "end_all" });
 * ```
 */
export async function restoreDatabase(
  backup: string,
  to: string,
  options: RestoreOptions,
): Promise<ReplayReport | null> {
  const found = readRequiredMembers("options", options, ["policy", "events", "jwks"]);
  const policy = readText("policy", found.get("policy"));
  const [from, target] = [readPath("backup", backup), readPath("to", to)];
  if (policy === "replay_events") {
    const log = readPath("events", found.get("events"));
    const keys = JSON.stringify(copyJson("jwks", found.get("jwks") ?? null));
    const call = addon.restoreDatabaseWithEvents(completionQueue, from, target, log, keys);
    return toReplayReport(await callAsync<WireReplayReport>(call));
  }
  for (const name of ["events", "jwks"]) {
    if (found.get(name) !== undefined) throw validationError(name, "belongs to the policy replay_events");
  }
  await callAsync(addon.restoreDatabase(completionQueue, from, target, policy));
  return null;
}
