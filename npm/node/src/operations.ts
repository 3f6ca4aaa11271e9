import type { Operation } from "./generated/operation";
import type { ErrorCode } from "./generated/types";

/**
 * What the channel `hellojohn:operation` of `node:diagnostics_channel` publishes after each operation, in the asynchronous context of
 * the call. It holds no secret, no token, no address and no id but the tenant's.
 *
 * @example
 * ```js
 * import { subscribe } from "node:diagnostics_channel";
 *
 * subscribe("hellojohn:operation", ({ operation, error, durationMs }) => {
 *   console.log(operation, error ?? "ok", durationMs);
 * });
 * ```
 */
export interface OperationReport {
  /** Which operation it was. */
  operation: Operation;
  /** Null for an operation of the whole engine. */
  tenantId: string | null;
  /** Why the operation was refused or failed; null if it answered. */
  error: ErrorCode | null;
  /** Milliseconds with fractions, by the `clock` of the object if it has one. */
  durationMs: number;
  /** How many sessions, keys or events the answer tells of, or were changed; 0 with an error. */
  rows: number;
  /** Whether a cache of the engine or of this package had the answer. */
  isFromCache: boolean;
}
