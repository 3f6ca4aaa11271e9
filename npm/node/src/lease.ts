import { validationError } from "./errors";
import { addon, callAsync, completionQueue } from "./internal/native";
import { readPath, readWholeNumber } from "./internal/validate";

/** What {@link lowerLease} answers. */
export interface LoweredLease {
  /** How long calls that end a session wait from now on, in milliseconds: no longer than was asked for. */
  waitMs: number;
}

const LONGEST_MS = 5_000;

/**
 * Shortens the time for which the machines on a PostgreSQL database may remember a verification (the option `verify`,
 * `"lease:250ms"`) to at most `longestMs` milliseconds, from 0 (not at all) to 5,000, and waits until the longer leases have ended,
 * some 5 seconds at most. Needs no secret key, and runs off the event loop.
 *
 * An object lengthens it when it opens the database with a longer lease; nothing else shortens it. So start the servers anew
 * with the shorter lease first, or without one. The parameter `verify` of the URL plays no part.
 *
 * @throws HelloJohnError `validation_error` for a file, and for a time out of range; `storage_busy` if an object was opened
 * meanwhile that asks for a longer lease; `storage_io` for a database without the engine's tables; otherwise as a call whose database
 * cannot be opened.
 *
 * @example
 * ```js
 * const { waitMs } = await lowerLease("postgres://app@db.example/sessions", 100);
 * console.log(`calls that end a session wait ${waitMs} ms`);
 * ```
 */
export async function lowerLease(database: string, longestMs: number): Promise<LoweredLease> {
  const path = readPath("database", database);
  const longest = readWholeNumber("longestMs", longestMs, LONGEST_MS);
  if (longest === null) throw validationError("longestMs", "is required");
  return { waitMs: await callAsync<number>(addon.lowerLease(completionQueue, path, longest)) };
}
