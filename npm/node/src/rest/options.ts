import { engineError, type HelloJohnError, validationError } from "../errors";
import { addon } from "../internal/native";
import type { NativeTenant, Rest } from "../internal/native_types";
import { copyJson, readMembers, readOptionalText } from "../internal/validate";
import type { Duration } from "../values";

/** The cookie that carries the refresh token. It is always `HttpOnly`. */
export interface CookieOptions {
  /** Default `hj_refresh_token`. With the prefix `__Host-` it needs `path: "/"`, no `domain` and `secure`. */
  name?: string | undefined;
  /** The domain whose hosts receive the cookie; default: only the host that set it. */
  domain?: string | undefined;
  /**
   * The paths that receive the cookie, as the browser sees them; default: `/v1/auth` after the `prefix`. Where a framework
   * strips the mount path (`app.use("/auth", …)`), add it: `/auth/v1/auth`.
   */
  path?: string | undefined;
  /** Default `lax`. `none` is not offered: it would send the cookie with every cross-site request. */
  sameSite?: "lax" | "strict" | undefined;
  /** Whether browsers send the cookie over HTTPS only; default true. False is for development. */
  secure?: boolean | undefined;
  /** Further origins, such as `https://app.example.com`, whose pages may use the cookie. */
  allowedOrigins?: readonly string[] | undefined;
}

/** Tells the host why a request failed on its side, which the client does not learn. An error that it throws is ignored. */
export type OnError = (error: HelloJohnError, request: { requestId: string }) => unknown;

/** How the REST API is offered. */
export interface RestOptions {
  /**
   * Cookie mode: the refresh token travels only in an HttpOnly cookie, never in an answer's JSON. A request that uses
   * the cookie, or signs in, must come from the same origin (`Sec-Fetch-Site`, `Origin`), from an allowed one, or be of
   * a kind that no plain form can send.
   */
  cookie?: boolean | CookieOptions | undefined;
  /** The longest session that a client may request by `session_options.duration`; default: the `sessionDuration`. */
  longestRequestedSession?: Duration | undefined;
  /** The path in front of `/v1/…` and `/.well-known/…`, such as `/api/auth`, where the host does not strip it. */
  prefix?: string | undefined;
  /** Called for every answer of 500 and above, with the cause. The package itself logs nothing. */
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
 * The options after their check.
 * @internal
 */
export interface CheckedRestOptions {
  rest: Rest;
  prefix: string;
  onError: OnError | null;
  clientAddress: ((request: never, context: never) => unknown) | null;
}

/** @internal */
export function readRestOptions(tenant: NativeTenant, options: unknown): CheckedRestOptions {
  const found = readMembers("options", options, [...OPTIONS, "clientAddress"]);
  const prefix = readOptionalText("prefix", found.get("prefix")) ?? "";
  if (prefix !== "" && !/^(\/[^/?#\s]+)+$/.test(prefix)) {
    throw validationError("prefix", "must start with / and not end with one");
  }
  const wire = {
    cookie: readCookieOptions(found.get("cookie"), prefix),
    longest_requested_session: copyJson(
      "longestRequestedSession",
      found.get("longestRequestedSession") ?? null,
    ),
  };
  const rest = new addon.Rest(tenant, JSON.stringify(wire));
  const refusal = rest.refusal();
  if (refusal?.code) throw engineError(refusal.code, refusal.text);
  return {
    rest,
    prefix,
    onError: readCallback<OnError>("onError", found.get("onError")),
    clientAddress: readCallback("clientAddress", found.get("clientAddress")),
  };
}

function readCookieOptions(value: unknown, prefix: string): unknown {
  if (value === undefined || value === null || value === false) return null;
  if (value === true && prefix === "") return true;
  const found =
    value === true ? new Map<string, unknown>() : readMembers("cookie", value, Object.keys(COOKIE));
  const wire: Record<string, unknown> = prefix === "" ? {} : { path: `${prefix}/v1/auth` };
  for (const [key, member] of found) {
    if (member !== undefined) wire[COOKIE[key] ?? key] = copyJson(`cookie.${key}`, member);
  }
  return wire;
}

/** @internal */
export function readCallback<T>(name: string, value: unknown): T | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "function") throw validationError(name, "must be a function");
  return value as T;
}
