import { engineError, type HelloJohnError, validationError } from "../errors";
import { addon } from "../internal/native";
import type { NativeTenant, Rest } from "../internal/native_types";
import { copyJson, readMembers, readOptionalText } from "../internal/validate";
import type { Duration } from "../values";

/** A cookie as former {@link CookieOptions} made it. */
export interface FormerCookie {
  /** Default: the `name` of the options, else both names that can be the default. */
  name?: string | undefined;
  /** Default: none. */
  domain?: string | undefined;
  /** Default: that of the options. */
  path?: string | undefined;
  /** Default false. */
  partitioned?: boolean | undefined;
}

/** The cookie that carries the refresh token. It is always `HttpOnly`. */
export interface CookieOptions {
  /**
   * Default: `__Host-hj_refresh` with `path` `/`, `secure` and no `domain`, which no other host of the domain can set; else
   * `hj_refresh_token`. A name with the prefix `__Host-` needs these three.
   */
  name?: string | undefined;
  /** The domain whose hosts receive the cookie; default: only the host that set it. */
  domain?: string | undefined;
  /**
   * The paths that receive the cookie, as the browser sees them; default `/`. Another path must lead to where the API is
   * mounted, such as `/auth/v1/auth` under `app.use("/auth", …)`: it is refused at once, or by the first request where only
   * that tells the mount path.
   */
  path?: string | undefined;
  /**
   * Default `lax`. `none` is for frames in pages of other sites and for web views; it needs `allowedOrigins`, and a request
   * that uses the cookie must say its origin.
   */
  sameSite?: "lax" | "strict" | "none" | undefined;
  /** Whether browsers send the cookie over HTTPS only; default true. False is for development. */
  secure?: boolean | undefined;
  /** Whether a frame has a cookie of its own under each site that embeds it; default false. It is for `sameSite` `none`. */
  partitioned?: boolean | undefined;
  /** Further origins, such as `https://app.example.com` or `capacitor://localhost`, whose pages may use the cookie. */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * Cookies that this host set under former options, at most 16: they are read after the cookie itself, and cleared by every
   * sign-in, refresh and sign-out. Default: `hj_refresh_token` of release 1, cleared when a request brings it; with `access`, none. Give `[]` once
   * no browser has a former cookie, because another host of the domain can set one.
   */
  former?: readonly FormerCookie[] | undefined;
  /**
   * A cookie of the access token beside it, for pages that a server renders, plain links and forms; default none. Guards read it
   * where a request has no `Authorization` header, and renew both cookies by the refresh cookie. Give it in the option `rest` of the
   * constructor, because guards and every mount must agree on it. Its rules are in `docs/COOKIES.md` of the repository.
   */
  access?: boolean | AccessCookieOptions | undefined;
}

/** The cookie that carries the access token; its other attributes are those of the refresh cookie. It is always `HttpOnly`. */
export interface AccessCookieOptions {
  /** Default: `__Host-hj_access` with `secure` and without `domain`, else `hj_access_token`. */
  name?: string | undefined;
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
  /**
   * What stands in front of the `prefix` where clients see the API, because a proxy or the framework strips it (the `basePath`
   * of Next.js, `app.mount` of Hono); default: nothing. The mount path of Express and the prefix of Fastify are known.
   */
  mountPath?: string | undefined;
  /**
   * Whether the API has what is the secret key's; default true. False leaves out the routes that need the key (404) and
   * refuses the key on the others.
   */
  admin?: boolean | undefined;
  /**
   * Whether every caller may read `/v1/revocations`, as verifiers in browsers and other services do; default false: it needs the
   * secret key. The list names sessions, but no user.
   */
  publicRevocations?: boolean | undefined;
  /** Whether a path may have one `/` behind it; default false. `DELETE /v1/sessions/` never may: its id may have been lost. */
  trailingSlash?: boolean | undefined;
  /**
   * Whether `/dashboard/` has the pages for operators; default false. They sign in with the secret key, so they need `admin`.
   * Serve them over HTTPS.
   */
  dashboard?: boolean | undefined;
  /** Called for every answer of 500 and above, with the cause. The package itself logs nothing. */
  onError?: OnError | undefined;
}

const COOKIE: Readonly<Record<string, string>> = {
  name: "name",
  domain: "domain",
  path: "path",
  sameSite: "same_site",
  secure: "secure",
  partitioned: "partitioned",
  allowedOrigins: "allowed_origins",
  former: "former",
  access: "access",
};

/**
 * The options that every host has.
 * @internal
 */
export const REST_OPTIONS: readonly string[] = [
  "cookie",
  "longestRequestedSession",
  "prefix",
  "mountPath",
  "admin",
  "publicRevocations",
  "trailingSlash",
  "dashboard",
  "onError",
];

/**
 * The options after their check.
 * @internal
 */
export interface CheckedRestOptions {
  rest: Rest;
  prefix: string;
  /** What clients see in front of the prefix, and of what the framework strips. */
  mountPath: string;
  trailingSlash: boolean;
  dashboard: boolean;
  onError: OnError | null;
  clientAddress: ((request: never, context: never) => unknown) | null;
}

/**
 * `isMounted`: whether the options tell the whole mount path.
 * @internal
 */
export function readRestOptions(
  tenant: NativeTenant,
  options: unknown,
  defaults: ReadonlyMap<string, unknown>,
  isMounted: boolean,
): CheckedRestOptions {
  const given = readMembers("options", options, [...REST_OPTIONS, "clientAddress"]);
  const found = new Map([...defaults, ...[...given].filter(([, value]) => value !== undefined)]);
  const prefix = readPath("prefix", found.get("prefix"));
  const mountPath = readPath("mountPath", found.get("mountPath"));
  const wire = {
    cookie: readCookieOptions(found.get("cookie")),
    longest_requested_session: copyJson(
      "longestRequestedSession",
      found.get("longestRequestedSession") ?? null,
    ),
    mount_path: mountPath + prefix,
    admin: copyJson("admin", found.get("admin") ?? null),
    public_revocations: copyJson("publicRevocations", found.get("publicRevocations") ?? null),
    trailing_slash: copyJson("trailingSlash", found.get("trailingSlash") ?? null),
    dashboard: copyJson("dashboard", found.get("dashboard") ?? null),
  };
  requireAgreement(wire.cookie, readCookieOptions(defaults.get("cookie")));
  const rest = new addon.Rest(tenant, JSON.stringify(wire), isMounted);
  const refusal = rest.refusal();
  if (refusal?.code) throw engineError(refusal.code, refusal.text);
  return {
    rest,
    prefix,
    mountPath,
    trailingSlash: wire.trailing_slash === true,
    dashboard: wire.dashboard === true,
    onError: readCallback<OnError>("onError", found.get("onError")),
    clientAddress: readCallback("clientAddress", found.get("clientAddress")),
  };
}

/** Refuses a mount that sets an access cookie that guards do not read, or clears another one than they set. */
function requireAgreement(cookie: unknown, guards: unknown): void {
  const hasAccess = (options: unknown) =>
    typeof options === "object" && options !== null && Boolean((options as { access?: unknown }).access);
  if (!hasAccess(cookie) && !hasAccess(guards)) return;
  if (JSON.stringify(cookie) === JSON.stringify(guards)) return;
  throw validationError(
    "cookie",
    "with access, must be given in the option rest of the constructor: guards read it there",
  );
}

function readPath(name: string, value: unknown): string {
  const path = readOptionalText(name, value) ?? "";
  if (path === "" || /^(\/[^/?#\s]+)+$/.test(path)) return path;
  throw validationError(name, "must start with / and not end with one");
}

function readCookieOptions(value: unknown): unknown {
  if (value === undefined || value === null || value === false) return null;
  if (value === true) return true;
  const wire: Record<string, unknown> = {};
  for (const [key, member] of readMembers("cookie", value, Object.keys(COOKIE))) {
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
