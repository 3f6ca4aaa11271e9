import type { Authenticate } from "./auth";
import type { ManualClock } from "./clock";
import type * as types from "./generated/types";
import type * as wire from "./generated/wire";
import { copyJson, readMembers } from "./internal/validate";
import type { RestOptions } from "./rest/options";
import type { Duration } from "./values";

/** How to open a tenant. */
export interface HelloJohnOptions {
  /** The tenant, `tnt_…`: 1 to 255 bytes. */
  tenantId: string;
  /**
   * The tenant's secret key, `sk_…`. The first use of a tenant sets it; later it must be the same. A new tenant in a file needs
   * at least 22 characters after the prefix (`sk_live_`, `sk_test_`, else `sk_`): `echo "sk_live_$(openssl rand -hex 16)"`
   * makes such a key.
   */
  secretKey: string;
  /**
   * A file path, `":memory:"`, or the URL of a PostgreSQL database that several machines may share:
   * `postgres://user:password@host:5432/name?schema=hellojohn`. Default: the environment variable HELLOJOHN_DATABASE, else
   * `hellojohn.db`. A relative path is taken from the working folder at the time of the constructor.
   */
  database?: string | undefined;
  /** `iss` of the access tokens; default `https://api.hellojohn.dev`. */
  issuer?: string | undefined;
  /**
   * How long a call waits for other writers before it rejects with `storage_busy`; default `"5s"`, more than an hour counts as one. With a URL, also
   * how long it waits for a server that takes writes, and for the network, before it rejects with `storage_io`.
   */
  busyTimeout?: Duration | undefined;
  /** Settings to apply when the engine opens. */
  config?: types.ConfigPatch | undefined;
  /**
   * `full` (default): every write is on disk before its call is answered. `normal`: a power loss may undo the last writes;
   * it never corrupts the database.
   */
  durability?: wire.Durability | undefined;
  /**
   * Which accounts of the system may open the files that the engine creates: `owner` (default), mode 0600, or `group`, mode
   * 0660. The mask of the process (`umask`) plays no part; a file that was there before keeps its mode. With a URL, `group` is
   * refused with `validation_error` when the database is opened.
   */
  fileAccess?: wire.FileAccess | undefined;
  /**
   * How many verified access tokens and lists of users' sessions the engine caches, 0 to 1,000,000; default 8192, 0 for none. This
   * object keeps its answers about up to 4096 tokens, and about as many sessions, lists and requests to guarded routes, besides.
   */
  tokenCacheCapacity?: number | undefined;
  /**
   * How many bytes of memory the cached tokens and lists may occupy in the engine, and as many again this object's answers about
   * tokens, sessions, lists and requests; default 33,554,432 (32 MiB). What does not fit is not cached. In the engine, lists take
   * at most a quarter and displace no token.
   */
  tokenCacheBytes?: number | undefined;
  /**
   * By how much the machine's clock may be set ahead while the engine is open; default `"1h"`. After a larger step every call
   * rejects with `clock_jump` until the clock is set back, `lowerClockMark` is called or the process restarts. Sleep of the
   * machine is no step.
   */
  maxClockJump?: Duration | undefined;
  /**
   * How many sign-ins (`hj.auth.signIn`, `hj.auth.beginSignIn`, the REST API) may fail before further ones are refused with
   * `too_many_requests`, in all processes on the database together; `null`: any number. Default:
   * `{ account: 10, address: 100, window: "15m" }`, of which each may be given alone.
   */
  signInLimit?: SignInLimit | null | undefined;
  /**
   * Whether to open a database on a network file system or one in user space (NFS, SMB, sshfs, virtiofs, …); default false:
   * opening one fails with `storage_io`. Processes that open it on more than one machine, or through more than one mount,
   * corrupt it. With a URL, true is refused with `validation_error` when the database is opened.
   */
  allowNetworkFileSystem?: boolean | undefined;
  /**
   * How much is recorded while the setting `eventRetention` is set: `changes` (default), every change but the rotations of
   * refresh tokens, which are many, or `all`.
   */
  events?: wire.EventDetail | undefined;
  /**
   * How often the object does a round of `hj.maintain` by itself while the engine is open; `null`: never. Default
   * `"5m"`, or never with a `clock` of the host's. Processes on one database share the rounds.
   */
  maintenanceInterval?: Duration | null | undefined;
  /**
   * How verifications (`verifyTokenRemote`, `sessions.verify`, `requireAuth`, the REST API) over PostgreSQL are answered. `store` (default): each asks the
   * database. `lease:250ms`: one that the database has confirmed is answered from memory for 250 milliseconds; calls that end a
   * session resolve so much later, and no machine accepts the session after that. `stale:250ms`: the same without waiting, so that
   * other processes may accept an ended session for 250 milliseconds. 25 to 5000 milliseconds. The parameter `verify` of the URL
   * says the same. With a file, anything but `store` is refused with `validation_error` when the database is opened.
   */
  verify?: VerifyMode | undefined;
  /** Checks credentials for `hj.auth.signIn`. */
  authenticate?: Authenticate | undefined;
  /**
   * What every mount of the REST API does unless its own options say otherwise: `rest: { admin: false }` leaves out what is
   * the secret key's on all of them.
   */
  rest?: RestOptions | undefined;
  /** The time to use instead of the machine's, for tests. */
  clock?: ManualClock | undefined;
}

/** How verifications are answered, with a whole number of milliseconds from 25 to 5000. */
export type VerifyMode = "store" | `lease:${number}ms` | `stale:${number}ms`;

/** How many sign-ins may fail within a sliding window. */
export interface SignInLimit {
  /** How many sign-ins to one account may fail, 1 to 1,000; default 10. */
  account?: number | undefined;
  /** How many sign-ins from one address may fail, 1 to 1,000; default 100. An IPv6 address counts by its first 64 bits. */
  address?: number | undefined;
  /** For how long a failure counts, at most a day; default `"15m"`. */
  window?: Duration | undefined;
}

/** Options of local verification. */
export interface VerifyTokenOptions {
  /** The expected `aud`; default: the tenant's id, which its tokens carry. */
  audience?: string | null | undefined;
  /** How many seconds after its `exp` a token is still accepted, 0 to 60; default 0. */
  clockSkewSeconds?: number | null | undefined;
}

/** @internal */
export const OPTIONS = [
  "tenantId",
  "secretKey",
  "database",
  "issuer",
  "busyTimeout",
  "config",
  "durability",
  "fileAccess",
  "tokenCacheCapacity",
  "tokenCacheBytes",
  "maxClockJump",
  "signInLimit",
  "allowNetworkFileSystem",
  "events",
  "maintenanceInterval",
  "verify",
  "authenticate",
  "rest",
  "clock",
];

/**
 * Null means no limit; undefined, which JSON leaves out, the default.
 * @internal
 */
export function copySignInLimit(limit: unknown): unknown {
  if (limit === undefined || limit === null) return limit;
  const found = readMembers("signInLimit", limit, ["account", "address", "window"]);
  const given = [...found].filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, copyJson(`signInLimit.${name}`, value)]));
}

/**
 * Null means never; undefined, which JSON leaves out, the default.
 * @internal
 */
export function copyInterval(interval: unknown): unknown {
  return interval === undefined ? undefined : copyJson("maintenanceInterval", interval);
}
