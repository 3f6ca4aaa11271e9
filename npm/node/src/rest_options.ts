import { addon, type NativeTenant, type Rest } from "./addon";
import { engineError, type HelloJohnError, invalid } from "./error";
import { json, members, optionalText } from "./input";
import type { Duration } from "./session";

/** The cookie that carries the refresh token. It is always `HttpOnly`. */
export interface CookieOptions {
  /** Default `hj_refresh_token`. With the prefix `__Host-` it needs `path: "/"`, no `domain` and `secure`. */
  name?: string | undefined;
  /** The domain whose hosts get it; default: only the host that set it. */
  domain?: string | undefined;
  /**
   * The paths that get it, as the browser sees them; default: `/v1/auth` behind the `prefix`. Where a framework strips
   * the mount path (`app.use("/auth", …)`), put that in front: `/auth/v1/auth`.
   */
  path?: string | undefined;
  /** Default `lax`. `none` is not offered: it would send the cookie with every cross-site request. */
  sameSite?: "lax" | "strict" | undefined;
  /** Default true: over HTTPS only. False is for development. */
  secure?: boolean | undefined;
  /** Origins such as `https://app.example.com` whose pages may use the cookie beside those of this host. */
  allowedOrigins?: readonly string[] | undefined;
}

/** What the host gets to know about a request that failed on its side; the client does not. Its own failure is ignored. */
export type OnError = (error: HelloJohnError, request: { requestId: string }) => unknown;

/** How the REST API is offered. */
export interface RestOptions {
  /**
   * Cookie mode: the refresh token travels only in an HttpOnly cookie, never in an answer's JSON. A request that uses
   * the cookie, or signs in, must come from the same origin (`Sec-Fetch-Site`, `Origin`), from an allowed one, or be of
   * a kind that no plain form can send.
   */
  cookie?: boolean | CookieOptions | undefined;
  /** The longest session that a client gets by its own `session_options.duration`; default: the `sessionDuration`. */
  longestRequestedSession?: Duration | undefined;
  /** What stands in front of `/v1/…` and `/.well-known/…`, such as `/api/auth`, where the host does not strip it. */
  prefix?: string | undefined;
  /** Called for every answer of 500 and above, with the cause: nothing is logged otherwise. */
  onError?: OnError | undefined;
}

const COOKIE: Readonly<Record<string, string>> = {
  name: "name",
  domain: "domain",
  path: "path",
  sameSite: "same_site",
  secure: "secure",
  allowedOrigins: "allowed_origins",
};
const OPTIONS = ["cookie", "longestRequestedSession", "prefix", "onError"];

/**
 * The options as they are used; further functions by name.
 * @internal
 */
export interface ReadOptions {
  rest: Rest;
  prefix: string;
  onError: OnError | null;
  clientAddress: ((request: never, context: never) => unknown) | null;
}

/** @internal */
export function readOptions(handle: NativeTenant, options: unknown): ReadOptions {
  const found = members("options", options, [...OPTIONS, "clientAddress"]);
  const prefix = optionalText("prefix", found.get("prefix")) ?? "";
  if (prefix !== "" && !/^(\/[^/?#\s]+)+$/.test(prefix)) {
    throw invalid("prefix", "must start with / and not end with one");
  }
  const wire = {
    cookie: cookie(found.get("cookie"), prefix),
    longest_requested_session: json("longestRequestedSession", found.get("longestRequestedSession") ?? null),
  };
  const rest = new addon.Rest(handle, JSON.stringify(wire));
  const refusal = rest.refusal();
  if (refusal?.code) throw engineError(refusal.code, refusal.text);
  return {
    rest,
    prefix,
    onError: callback<OnError>("onError", found.get("onError")),
    clientAddress: callback("clientAddress", found.get("clientAddress")),
  };
}

function cookie(value: unknown, prefix: string): unknown {
  if (value === undefined || value === null || value === false) return null;
  if (value === true && prefix === "") return true;
  const found = value === true ? new Map<string, unknown>() : members("cookie", value, Object.keys(COOKIE));
  const wire: Record<string, unknown> = prefix === "" ? {} : { path: `${prefix}/v1/auth` };
  for (const [key, member] of found) {
    if (member !== undefined) wire[COOKIE[key] ?? key] = json(`cookie.${key}`, member);
  }
  return wire;
}

/** @internal */
export function callback<T>(name: string, value: unknown): T | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "function") throw invalid(name, "must be a function");
  return value as T;
}
