import { validationError } from "./errors";
import type { CopyReport } from "./generated/types";
import { toCopyReport, type WireCopyReport } from "./generated/wire";
import { clearInterval, setInterval } from "./internal/globals";
import { addon, callAsync, completionQueue } from "./internal/native";
import { readMembers, readPath } from "./internal/validate";

/** How far a copy of a database into another one has come. */
export interface CopyStep {
  /**
   * What it is at: `count` (the rows of the source are counted), `copy` (rows are compared, and written where they differ) or
   * `verify` (both databases are read again and compared). A phase may come again if the source was changed meanwhile.
   */
  phase: "count" | "copy" | "verify";
  /** How many rows the phase has dealt with. */
  rows: number;
  /** How many it has to deal with, about; 0 while they are being counted. */
  totalRows: number;
}

/** Options of {@link copyDatabase}. */
export interface CopyOptions {
  /** Called some ten times a second while the copy goes on. */
  onProgress?: ((step: CopyStep) => void) | null | undefined;
}

const PROGRESS_INTERVAL_MS = 100;

/**
 * Copies a whole database, of every tenant, into another one: a file or the URL of a PostgreSQL database each. Every token stays
 * good: objects that open `to` afterwards go on where those of `from` have stopped. Needs no secret key, and runs off the event
 * loop. `to` is created if it is not there.
 *
 * Close every engine on `from` before, or copy beside them first and once more after they are closed: a copy compares, and
 * writes only what differs, so the second one is short. What is written to `from` later is not in `to`. A copy that was cut off
 * is taken up by calling again. No engine may use `to` before the copy is whole.
 *
 * At the end both databases are read again; the answer tells the counts and the checksum that they have in common.
 *
 * @throws HelloJohnError `validation_error` for `":memory:"`, for one database given twice, and where `to` holds another tenant, or sessions
 * that are newer because an engine has used it: nothing of that is overwritten; with `storage_busy` while engines go on changing
 * `from`; with `storage_io` if `from` is not there; otherwise as a call whose database cannot be opened.
 *
 * @example
 * ```js
 * const { sessions } = await copyDatabase("sessions.db", "postgres://app@db.example/sessions", {
 *   onProgress: ({ phase, rows, totalRows }) => console.log(`${phase}: ${rows} of ${totalRows}`),
 * });
 * ```
 */
export async function copyDatabase(from: string, to: string, options?: CopyOptions): Promise<CopyReport> {
  const onProgress = readMembers("options", options, ["onProgress"]).get("onProgress") ?? null;
  if (onProgress !== null && typeof onProgress !== "function") {
    throw validationError("onProgress", "must be a function");
  }
  const [source, target] = [readPath("from", from), readPath("to", to)];
  const progress = new addon.NativeCopyProgress();
  const tell = () =>
    onProgress?.({ phase: progress.phase(), rows: progress.rows(), totalRows: progress.totalRows() });
  const timer = onProgress && setInterval(tell, PROGRESS_INTERVAL_MS);
  try {
    const call = addon.copyDatabase(completionQueue, source, target, progress);
    const report = toCopyReport(await callAsync<WireCopyReport>(call));
    tell();
    return report;
  } finally {
    if (timer) clearInterval(timer);
  }
}
