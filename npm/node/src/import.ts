import { resolve } from "node:path";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readMembers, readOptionalBoolean, readText } from "./internal/validate";

/** How to import. */
export interface ImportOptions {
  /** Report what an import would do, and change nothing. */
  dryRun?: boolean | null | undefined;
  /** Fail at the first bad row, after the rows before it are imported. By default a bad row is reported and skipped. */
  stopAtBadRow?: boolean | null | undefined;
}

/** A row that was not imported because it is bad. */
export interface ImportProblem {
  /** Its line in the source, counted from 1. */
  line: number;
  /** One English line for a developer, without credentials and addresses. */
  detail: string;
}

/** What an import has done, or would do. */
export interface ImportReport {
  /** How many rows were read; the counts below add up to it. */
  rows: number;
  /** How many sessions were added. */
  imported: number;
  /** How many rows are of sessions that were imported before, in this call or an earlier one. */
  alreadyImported: number;
  /** How many had reached the end that the old system gave them. */
  expired: number;
  /** How many `sessionDuration` or `idleTimeout` would have ended by now. */
  overLimits: number;
  /** How many rows are bad. */
  badRows: number;
  /** The first bad rows, at most 100. */
  problems: ImportProblem[];
}

/** A report as the addon sends it. */
interface WireImportReport {
  rows: number;
  imported: number;
  already_imported: number;
  expired: number;
  over_limits: number;
  bad_rows: number;
  problems: ImportProblem[];
}

/** @internal */
export async function importSessions(
  tenant: NativeTenant,
  path: string,
  options?: ImportOptions,
): Promise<ImportReport> {
  const source = resolve(readText("path", path));
  const found = readMembers("options", options, ["dryRun", "stopAtBadRow"]);
  const request = JSON.stringify({
    dry_run: readOptionalBoolean("dryRun", found.get("dryRun")),
    stop_at_bad_row: readOptionalBoolean("stopAtBadRow", found.get("stopAtBadRow")),
  });
  const report = await callAsync<WireImportReport>(tenant.import(source, request));
  const { already_imported, over_limits, bad_rows, ...others } = report;
  return { ...others, alreadyImported: already_imported, overLimits: over_limits, badRows: bad_rows };
}
