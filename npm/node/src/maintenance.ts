import { isDate, readTime } from "./clock";
import { validationError } from "./errors";
import { callAsync } from "./internal/native";
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
