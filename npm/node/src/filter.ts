import { isDate, readTime } from "./clock";
import { validationError } from "./errors";
import type { DeviceType, EndReason } from "./generated/types";
import type { StatusFilter } from "./generated/wire";

/**
 * Which sessions a call is about: those for which every given member holds. Every member may also have its name of the REST
 * API, such as `not_country`. A member that is given must have a value: `undefined` and null are refused, because a value that
 * was lost must not make "all" of a filter.
 */
export interface SessionFilter {
  /** Sessions of this user. */
  userId?: string;
  /** The other name of `userId`. */
  user_id?: string;
  /** By default active sessions, or those of every status if `endReason` is given. */
  status?: StatusFilter | null | undefined;
  /** Sessions that signed in from one of these countries: `"ES"`, `["ES", "PT"]`. */
  country?: string | readonly string[];
  /** All but those; also sessions whose country is not known. */
  notCountry?: string | readonly string[];
  /** Sessions that signed in from this address or network: `"203.0.113.9"`, `"203.0.113.0/24"`. */
  ipAddress?: string;
  /** All but those; also sessions whose address is not known. */
  notIpAddress?: string;
  /** Sessions on devices of this type. */
  deviceType?: DeviceType;
  /** Sessions whose user agent at sign-in contains this text, whatever the case of its letters. */
  userAgent?: string;
  /** Sessions in this organisation. */
  orgId?: string;
  /** Sessions with this role. */
  role?: string;
  /** Sessions that signed in after this time, not at it. */
  createdAfter?: Date;
  /** Sessions that signed in before this time, not at it. */
  createdBefore?: Date;
  /** Sessions that were last active after this time, not at it. */
  lastActiveAfter?: Date;
  /** Sessions that were last active before this time, not at it. */
  lastActiveBefore?: Date;
  /** Sessions with a second factor, or without one. */
  mfaVerified?: boolean;
  /** Sessions that ended for this reason. */
  endReason?: EndReason;
}

const NAMES: Readonly<Record<string, string>> = {
  userId: "user_id",
  status: "status",
  country: "country",
  notCountry: "not_country",
  ipAddress: "ip_address",
  notIpAddress: "not_ip_address",
  deviceType: "device_type",
  userAgent: "user_agent",
  orgId: "org_id",
  role: "role",
  createdAfter: "created_after",
  createdBefore: "created_before",
  lastActiveAfter: "last_active_after",
  lastActiveBefore: "last_active_before",
  mfaVerified: "mfa_verified",
  endReason: "end_reason",
};
const TIMES = ["created_after", "created_before", "last_active_after", "last_active_before"];

/** The names of a filter's members, in both forms. @internal */
export const FILTER_MEMBERS: readonly string[] = [
  ...new Set([...Object.keys(NAMES), ...Object.values(NAMES)]),
];

/** Brings the members of a filter under the engine's names, and times into milliseconds; leaves all others. @internal */
export function renameFilter(found: Map<string, unknown>): Map<string, unknown> {
  const renamed = new Map<string, unknown>();
  for (const [key, value] of found) {
    const name = NAMES[key] ?? key;
    if (renamed.has(name)) throw validationError(key, "must not be given twice");
    if (FILTER_MEMBERS.includes(key) && name !== "status" && (value === undefined || value === null)) {
      throw validationError(key, "must have a value when it is given");
    }
    renamed.set(name, TIMES.includes(name) ? readDate(key, value) : value);
  }
  return renamed;
}

function readDate(field: string, value: unknown): number {
  if (!isDate(value)) throw validationError(field, "must be a Date");
  return readTime(field, value);
}
