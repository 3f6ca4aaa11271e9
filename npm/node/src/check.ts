import type { ProblemKind } from "./generated/types";
import { addon, callAsync, completionQueue } from "./internal/native";
import { readPath } from "./internal/validate";

/** One problem that {@link checkDatabase} has found. */
export interface CheckProblem {
  /**
   * `file`: no database, empty, or another application's; `structure`: damaged pages, or a row that breaks a rule of its
   * table; `reference`: a row refers to one that is not there; `schema`: an object that is foreign, changed or missing;
   * `row`: a row cannot be read, or holds a value that the engine cannot have written.
   */
  kind: ProblemKind;
  /** What it is about: the file, a table, another object of the schema, or a row, named by its table and id. */
  object: string;
  /** One English line for a developer, without tokens, addresses or values. */
  detail: string;
}

/** What {@link checkDatabase} found. */
export interface CheckReport {
  /** Whether nothing is wrong. */
  ok: boolean;
  /** The first problems, at most 100. */
  problems: CheckProblem[];
  /** How many problems were found, those that are not listed included. SQLite's integrity check stops at its hundredth. */
  problemCount: number;
  /** How many rows were read, over all tenants, ended sessions and retired keys included. */
  counts: { tenants: number; sessions: number; signingKeys: number };
}

/** A report as the addon sends it. */
interface WireCheckReport {
  ok: boolean;
  problems: CheckProblem[];
  problem_count: number;
  counts: { tenants: number; sessions: number; signing_keys: number };
}

/**
 * Reads the whole database in a file, of every tenant, and tells what is wrong with it: SQLite's integrity and foreign key
 * checks, the schema against this library's, every row against the types of its values. Needs no secret key and no open
 * engine, writes nothing, and runs off the event loop.
 *
 * Hosts may go on meanwhile, in this process and in others. Rows are read in short transactions; the integrity check is one
 * read of the whole database, during which the log cannot be emptied and grows. A million sessions take some ten seconds,
 * two thirds of them for that one read.
 *
 * A file that is damaged or foreign is a report.
 *
 * @throws HelloJohnError `storage_io` for a file that is not there or cannot be read,
 * `storage_busy` for one that another process has locked for 5 seconds, `storage_too_new`, and `validation_error`, also for
 * `":memory:"`.
 *
 * @example
 * ```js
 * const { ok, problems } = await checkDatabase("sessions.db");
 * if (!ok) console.error(problems);
 * ```
 */
export async function checkDatabase(database: string): Promise<CheckReport> {
  const call = addon.checkDatabase(completionQueue, readPath("database", database));
  const { problem_count, counts, ...report } = await callAsync<WireCheckReport>(call);
  const { signing_keys, ...others } = counts;
  return { ...report, problemCount: problem_count, counts: { ...others, signingKeys: signing_keys } };
}
