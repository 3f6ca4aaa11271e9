/**
 * Next, from release 15 on: who a page is rendered for, a proxy that renews cookies, and actions that sign in and out. The option `rest`
 * of the constructor needs `cookie: { access: true }`.
 *
 * @example
 * ```ts
 * // lib/auth.ts
 * import { cookies, headers } from "next/headers";
 * import { NextResponse } from "next/server";
 * import { createNextAuth } from "@hellojohn/node/next";
 *
 * export const { auth, handler, proxy, signIn, signOut } = createNextAuth(hj, {
 *   cookies,
 *   headers,
 *   NextResponse,
 *   prefix: "/api",
 * });
 *
 * // proxy.ts
 * export { proxy } from "./lib/auth";
 * export const config = { matcher: ["/((?!_next/|favicon.ico).*)"] };
 *
 * // app/api/[...path]/route.ts
 * export { handler as DELETE, handler as GET, handler as PATCH, handler as POST } from "../../../lib/auth";
 *
 * // app/account/page.tsx
 * const user = await auth();
 * if (!user) redirect("/sign-in");
 * ```
 */
import { HelloJohnError } from "./errors";
import type { ErrorCode } from "./generated/types";
import type { HelloJohn } from "./hellojohn";
import type { Auth, RequireAuthOptions } from "./rest/auth_guard";
import type { NodeRequest } from "./rest/node_http";

type MaybePromise<T> = T | Promise<T>;

/** The attributes of a cookie, as `cookies().set` of Next takes them. */
export interface NextCookieAttributes {
  path?: string;
  domain?: string;
  maxAge?: number;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: "lax" | "strict" | "none";
  partitioned?: boolean;
}

/** What is used of Next, which the host passes, so that there is one copy of it; and where the REST API is. */
export interface NextAuthOptions {
  /** `headers` of `next/headers`. */
  headers: () => MaybePromise<Iterable<[string, string]>>;
  /** `cookies` of `next/headers`. */
  cookies: () => MaybePromise<{
    set(name: string, value: string, attributes: NextCookieAttributes): unknown;
  }>;
  /** `NextResponse` of `next/server`. */
  NextResponse: { next(init: { request: { headers: Headers } }): Response };
  /** The folder of the route handler with the REST API, such as `/api`; default: none. */
  prefix?: string | undefined;
  /** The client's address by a header that a proxy of your own sets, such as `x-real-ip`; default: unknown. */
  clientAddress?: ((headers: Headers) => string | null | undefined) | undefined;
}

/** Who may see a page. */
export type NextAuthRequirements = Omit<RequireAuthOptions, "token" | "clientAddress" | "optional">;

/** The sign-in of a form: `email`, `password` and what else `authenticate` reads. */
export interface NextCredentials {
  email: string;
  password: string;
  [name: string]: unknown;
}

/** What {@link createNextAuth} makes. */
export interface NextAuth {
  /**
   * The user that a Server Component, a Server Action or a route handler works for; null when no user is signed in. Without a proxy in
   * front, it goes by the refresh cookie once the access token has expired, and renews nothing.
   *
   * @throws HelloJohnError `insufficient_permissions` and `reauthentication_required` for a user who may not pass; with an error of the store,
   * never with null.
   */
  auth(requirements?: NextAuthRequirements): Promise<Auth | null>;
  /**
   * Renews the cookies of a page whose access token has expired, for `proxy.ts` (in Next 15.5 `middleware.ts`, which exports it as
   * `middleware` and has `runtime: "nodejs"` in its config); refuses what a page of another origin wants to change (403); lets everything
   * else pass.
   */
  proxy(request: Request): Promise<Response>;
  /** The REST API, for a route handler. */
  handler(request: Request): Promise<Response>;
  /**
   * Signs the browser in, for a Server Action. The action's own page must have sent it.
   *
   * @throws HelloJohnError `invalid_credentials`, `too_many_requests` (with `retryAfter`), `insufficient_permissions`, `validation_error`, `internal`.
   */
  signIn(credentials: NextCredentials): Promise<{ userId: string; sessionId: string }>;
  /**
   * Signs the browser out, for a Server Action; with `global`, all of the user's sessions. Resolves when none was signed in, too.
   *
   * @throws HelloJohnError `insufficient_permissions`, `internal` or an error of the store.
   */
  signOut(options?: { scope?: "local" | "global" | undefined }): Promise<void>;
}

/** The headers of an action's request that its call of the API has as well. */
const FORWARDED = [
  "cookie",
  "forwarded",
  "host",
  "origin",
  "sec-ch-ua-form-factors",
  "sec-ch-ua-mobile",
  "sec-ch-ua-platform",
  "sec-fetch-site",
  "user-agent",
  "x-forwarded-for",
];

/** What says that no user is signed in. */
const SIGNED_OUT: readonly string[] = [
  "missing_token",
  "invalid_token",
  "token_expired",
  "session_expired",
  "session_revoked",
];

/**
 * Makes the functions of one application. Create them once, beside `new HelloJohn`.
 *
 * @throws HelloJohnError `validation_error`.
 */
export function createNextAuth(hj: HelloJohn, options: NextAuthOptions): NextAuth {
  const { headers, cookies, NextResponse, prefix = "", clientAddress } = options;
  const guardAddress = clientAddress && {
    clientAddress: (request: Request) => clientAddress(request.headers),
  };
  const renew = hj.pageGuard<Request>({ optional: true, ...guardAddress });
  // An action's call brings the address that its own request came from.
  const handler = hj.createHandler<string | null | undefined>({
    prefix,
    ...(clientAddress && {
      clientAddress: (request: Request, known) =>
        known === undefined ? clientAddress(request.headers) : known,
    }),
  });

  /** Calls the API for an action, and gives the browser the cookies of the answer. */
  const callApi = async (path: string, body: unknown): Promise<Response> => {
    const sent = new Headers([...(await headers())]);
    // The call is JSON, which no form can send; the action's own request may have come from one.
    if (!sent.has("origin") && !sent.has("sec-fetch-site")) {
      throw new HelloJohnError("insufficient_permissions", "the request does not say which page has sent it");
    }
    const forwarded = FORWARDED.flatMap((name): [string, string][] => {
      const value = sent.get(name);
      return value === null ? [] : [[name, value]];
    });
    const request = new Request(`http://localhost${prefix}${path}`, {
      method: "POST",
      headers: [...forwarded, ["content-type", "application/json"]],
      body: JSON.stringify(body),
    });
    const answer = await handler(request, clientAddress && (clientAddress(sent) ?? null));
    const jar = await cookies();
    const set = answer.headers.getSetCookie().map(parseSetCookie);
    // Next keeps one cookie of a name: one that is given goes before one that is cleared at another path.
    const isCleared = ({ attributes }: SetCookie) => attributes.maxAge === 0;
    for (const cookie of [...set.filter(isCleared), ...set.filter((cookie) => !isCleared(cookie))]) {
      jar.set(cookie.name, cookie.value, cookie.attributes);
    }
    return answer;
  };

  return {
    handler: (request) => handler(request),
    async auth(requirements) {
      const found = await hj.authorize(toRequest([...(await headers())]), requirements);
      if (!(found instanceof Response)) return found;
      const error = await readError(found);
      if (error === null || SIGNED_OUT.includes(error.code)) return null;
      throw error;
    },
    async proxy(request) {
      const url = new URL(request.url);
      const sent = new Headers(request.headers);
      // The API has rules of its own for the cookies, and renews by its own route.
      if (url.pathname.startsWith(`${prefix}/v1/`)) return NextResponse.next({ request: { headers: sent } });
      const page = await renew(request);
      if (page.response?.status === 403) return page.response;
      if (page.headers.length > 0) sent.set("cookie", page.cookie);
      const response = NextResponse.next({ request: { headers: sent } });
      for (const [name, value] of page.headers) response.headers.append(name, value);
      return response;
    },
    async signIn(credentials) {
      const answer = await callApi("/v1/auth/sign-in", credentials);
      const error = await readError(answer);
      if (error) throw error;
      const { session_id: sessionId, session } = (await answer.json()) as {
        session_id: string;
        session: { user_id: string };
      };
      return { userId: session.user_id, sessionId };
    },
    async signOut({ scope } = {}) {
      const error = await readError(await callApi("/v1/auth/sign-out", { scope }));
      if (error && error.status !== 401) throw error;
    },
  };
}

/**
 * The request that a function of Next works for. Next tells its headers only; browsers send `Origin` with every method but GET and HEAD,
 * so that one with it may change something.
 */
function toRequest(headers: [string, string][]): NodeRequest {
  const mayChange = headers.some(([name]) => name.toLowerCase() === "origin");
  return { method: mayChange ? "POST" : "GET", url: "/", rawHeaders: headers.flat(), socket: {} };
}

/** The error of an answer of the API; null for another answer. */
async function readError(answer: Response): Promise<HelloJohnError | null> {
  if (answer.ok) return null;
  const { error } = (await answer.json()) as {
    error: { code: ErrorCode; message: string; max_age?: number | null; factors?: string[] };
  };
  const retryAfter = Number(answer.headers.get("retry-after"));
  return new HelloJohnError(error.code, error.message, {
    retryAfter: retryAfter > 0 ? retryAfter : null,
    maxAge: error.max_age ?? null,
    factors: error.factors ?? [],
  });
}

interface SetCookie {
  name: string;
  value: string;
  attributes: NextCookieAttributes;
}

function parseSetCookie(cookie: string): SetCookie {
  const [pair = "", ...rest] = cookie.split("; ");
  const at = pair.indexOf("=");
  const attributes: NextCookieAttributes = {};
  for (const attribute of rest) {
    const [name = "", value = ""] = attribute.split("=", 2);
    if (name === "Path") attributes.path = value;
    else if (name === "Domain") attributes.domain = value;
    else if (name === "Max-Age") attributes.maxAge = Number(value);
    else if (name === "HttpOnly") attributes.httpOnly = true;
    else if (name === "Secure") attributes.secure = true;
    else if (name === "SameSite") attributes.sameSite = value.toLowerCase() as "lax" | "strict" | "none";
    else if (name === "Partitioned") attributes.partitioned = true;
  }
  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes };
}
