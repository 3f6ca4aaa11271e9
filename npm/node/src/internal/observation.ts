import { channel } from "node:diagnostics_channel";
import type { Operation } from "../generated/operation";
import type { ErrorCode } from "../generated/types";
import type { OperationReport } from "../operations";
import { now } from "./globals";
import type { CompletionQueue } from "./native_types";

/** The one channel; subscribers come and go at any time. */
export const operations = channel("hellojohn:operation");

/** Instead of the number of a call that the addon answered at once. */
const ANSWERED_INLINE = 0;

/** Methods that call no operation, one that is told as the operation whose cached answer it is about, or those of which none is told. */
const UNTOLD = new Set([
  "constructor",
  "getTogether",
  "isApiPath",
  "isFresh",
  "isUnchanged",
  "isOpen",
  "listTogether",
  "maintenanceInterval",
  "mayHaveEventsSince",
  "readsOverNetwork",
  "refusal",
]);

type WireReport = [
  operation: Operation,
  tenantId: string | null,
  error: ErrorCode | null,
  nanoseconds: number,
  rows: number,
  isFromCache: boolean,
];

type Method = (this: unknown, ...args: unknown[]) => unknown;
// biome-ignore lint/suspicious/noExplicitAny: what TypeScript asks of a class that another one extends
type Constructor = new (...args: any[]) => object;

/**
 * Publishes what the engine tells of its operations. Without subscribers that costs a comparison for each call: the addon is told to
 * keep reports by the first call after a subscription, before it runs.
 */
export class Observation {
  readonly #queue: CompletionQueue;
  #isKept = false;

  constructor(queue: CompletionQueue) {
    this.#queue = queue;
  }

  /** A class of the addon whose calls are published. */
  observed<Class extends Constructor>(base: Class): Class {
    const observation = this;
    class Observed extends base {}
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(base.prototype))) {
      if (UNTOLD.has(name)) continue;
      const method = value as Method;
      Object.defineProperty(Observed.prototype, name, {
        value(this: unknown, ...args: unknown[]): unknown {
          observation.#follow();
          const answer = method.apply(this, args);
          if (observation.#isKept && typeof answer !== "number") observation.publish(ANSWERED_INLINE);
          // The addon makes its own class, not this one.
          return answer instanceof base ? Object.setPrototypeOf(answer, Observed.prototype) : answer;
        },
      });
    }
    return Observed;
  }

  /** Publishes what was told of a call whose answer has come. */
  publish(call: number): void {
    if (!this.#isKept) return;
    const reports = this.#queue.takeReports(call);
    if (reports === null) return;
    for (const [operation, tenantId, error, nanoseconds, rows, isFromCache] of JSON.parse(
      reports,
    ) as WireReport[]) {
      tell({ operation, tenantId, error, durationMs: nanoseconds / 1e6, rows, isFromCache });
    }
  }

  #follow(): void {
    const { hasSubscribers } = operations;
    if (hasSubscribers === this.#isKept) return;
    this.#queue.setObserved(hasSubscribers);
    this.#isKept = hasSubscribers;
  }
}

function tell(report: OperationReport): void {
  operations.publish(report);
}

/** Answers by a cache of this package, if it has the answer, and tells of that. */
export function fromCache<T>(
  operation: Operation,
  tenantId: string,
  find: () => T | undefined,
  rows: (answer: T) => number = () => 1,
): T | undefined {
  if (!operations.hasSubscribers) return find();
  const start = now();
  const answer = find();
  if (answer !== undefined) {
    const durationMs = now() - start;
    tell({ operation, tenantId, error: null, durationMs, rows: rows(answer), isFromCache: true });
  }
  return answer;
}
