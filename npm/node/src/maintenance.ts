import { isDate, readTime } from "./clock";
import { validationError } from "./errors";
import type { WireMaintenanceReport } from "./generated/wire";
import { clearTimeout, setTimeout } from "./internal/globals";
import { addon, callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readRequiredMembers, readText, toRequestJson } from "./internal/validate";
import type { Duration } from "./values";

// The calls that an object has itself, shared by `HelloJohn` and the objects of its actors.

/** What a purge deletes. */
export interface PurgeOptions {
  /** Records of sessions that ended longer ago than a duration, or before a date. */
  olderThan: Duration | Date;
}

/** @internal */
export async function sweep(tenant: NativeTenant): Promise<{ stamped: number }> {
  return callAsync(tenant.sweep());
}

/** @internal */
export async function purge(tenant: NativeTenant, options: PurgeOptions): Promise<{ purged: number }> {
  const olderThan = readRequiredMembers("options", options, ["olderThan"]).get("olderThan");
  if (olderThan === undefined || olderThan === null) throw validationError("olderThan", "is required");
  const before = isDate(olderThan)
    ? JSON.stringify({ before: readTime("olderThan", olderThan) })
    : toRequestJson(new Map([["olderThan", olderThan]]), { olderThan: "older_than" });
  return callAsync(tenant.purge(before));
}

/** @internal */
export async function changeSecretKey(tenant: NativeTenant, newKey: string): Promise<void> {
  await callAsync(tenant.changeSecretKey(readText("newKey", newKey)));
}

/** @internal */
export async function rotateRefreshKey(tenant: NativeTenant): Promise<void> {
  await callAsync(tenant.rotateRefreshKey());
}

/** After how many seconds a round of maintenance follows the one before, unless the host says otherwise. */
const INTERVAL = 300;

/**
 * Does a round of maintenance every so often, while the engine is open, and shares this with other processes. Keeps neither the
 * process nor the object alive. Answers with what ends it.
 * @internal
 */
export function maintainBySelf(tenant: NativeTenant, hasOwnClock: boolean): () => void {
  // A clock that the host moves says nothing about when to do it.
  const seconds = tenant.maintenanceInterval() ?? (hasOwnClock ? 0 : INTERVAL);
  if (seconds === 0) return () => undefined;
  const holder = addon.newHolder();
  const object = new WeakRef(tenant);
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const schedule = (ms: number): void => {
    if (isOver) return;
    timer = setTimeout(() => void round(), Math.min(ms, 0x7fffffff));
    timer.unref?.(); // the timers of a host's test may have none
  };
  // Not all processes at once.
  const next = (): void => schedule(seconds * 1000 * (0.75 + Math.random() / 2));
  const round = async (): Promise<void> => {
    const open = object.deref();
    if (!open) return;
    try {
      let report = open.isOpen()
        ? await callAsync<WireMaintenanceReport | null>(open.maintainInTurn(holder, seconds))
        : null;
      while (report?.has_more && !isOver) {
        report = await callAsync<WireMaintenanceReport | null>(open.maintainInTurn(holder, seconds));
      }
    } catch {
      // The next round, or the host's own call, meets the same trouble and may say so.
    }
    next();
  };
  next();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
