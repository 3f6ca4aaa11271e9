import { types } from "node:util";
import { validationError } from "./errors";
import { addon } from "./internal/native";
import type { NativeClock } from "./internal/native_types";

const natives = new WeakMap<ManualClock, NativeClock>();

/**
 * A clock that moves only when told to, for tests of an application: `new HelloJohn({ …, clock })`. One clock may drive
 * many engines.
 *
 * The engine never lets time run backwards: after the clock was set back, it goes on with the highest time that the
 * database has seen.
 */
export class ManualClock {
  /** Starts at this moment (milliseconds since the epoch, or a `Date`); default: now. */
  constructor(at: number | Date = Date.now()) {
    natives.set(this, new addon.NativeClock(readTime("at", at)));
  }

  /** Where it stands, in milliseconds since the epoch. */
  now(): number {
    return toNativeClock(this).now();
  }

  /** Moves it to this moment, forward or back. */
  set(at: number | Date): void {
    toNativeClock(this).set(readTime("at", at));
  }

  /** Moves it forward by whole milliseconds, back when negative. */
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
 * Whether it is a Date, of this or any other realm, without touching it.
 * @internal
 */
export const isDate = types.isDate;

/**
 * Milliseconds since the epoch of a moment that a caller gave.
 * @internal
 */
export function readTime(field: string, at: unknown): number {
  const time = isDate(at) ? Date.prototype.getTime.call(at) : at;
  if (typeof time !== "number" || !Number.isSafeInteger(time)) {
    throw validationError(field, "must be a valid Date or whole milliseconds since the epoch");
  }
  return time;
}
