import { types } from "node:util";
import { validationError } from "./errors";
import { addon } from "./internal/native";
import type { NativeClock } from "./internal/native_types";

const natives = new WeakMap<ManualClock, NativeClock>();

/**
 * A clock that moves only when the caller moves it, for tests of an application: `new HelloJohn({ …, clock })`. Several
 * engines may share one clock.
 *
 * The engine never lets time run backwards: after the clock was set back, the engine uses the highest time that the database
 * has seen.
 */
export class ManualClock {
  /**
   * Starts at a time (milliseconds since the epoch, or a `Date`); default: now.
   *
   * @example
   * ```js
   * const clock = new ManualClock(Date.UTC(2030, 0, 1));
   * const hj = new HelloJohn({ tenantId, secretKey, database: ":memory:", clock });
   * ```
   */
  constructor(at: number | Date = Date.now()) {
    natives.set(this, new addon.NativeClock(readTime("at", at)));
  }

  /**
   * The time of this clock, in milliseconds since the epoch.
   *
   * @example
   * ```js
   * console.log(new Date(clock.now()));
   * ```
   */
  now(): number {
    return toNativeClock(this).now();
  }

  /**
   * Sets the time, forward or back.
   *
   * @example
   * ```js
   * clock.set(new Date("2030-01-02T00:00:00Z"));
   * ```
   */
  set(at: number | Date): void {
    toNativeClock(this).set(readTime("at", at));
  }

  /**
   * Moves the time forward by whole milliseconds, back when negative.
   *
   * @example
   * ```js
   * clock.advance(60 * 60 * 1000); // an hour
   * ```
   */
  advance(milliseconds: number): void {
    if (!Number.isSafeInteger(milliseconds)) throw validationError("milliseconds", "must be a whole number");
    this.set(this.now() + milliseconds);
  }
}

/** @internal */
export function toNativeClock(clock: ManualClock): NativeClock {
  const native = natives.get(clock);
  if (!native) throw validationError("clock", "must be a ManualClock");
  return native;
}

/**
 * Whether a value is a `Date`, of this or any other realm; runs none of its code.
 * @internal
 */
export const isDate = types.isDate;

/**
 * Reads a time that a caller gave, in milliseconds since the epoch.
 * @internal
 */
export function readTime(field: string, at: unknown): number {
  const time = isDate(at) ? Date.prototype.getTime.call(at) : at;
  if (typeof time !== "number" || !Number.isSafeInteger(time)) {
    throw validationError(field, "must be a valid Date or whole milliseconds since the epoch");
  }
  return time;
}
