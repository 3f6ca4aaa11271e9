import { engineError, HelloJohnError } from "../errors";
import { URL } from "../internal/globals";
import { addon, callInlineOrAsync } from "../internal/native";
import type { Rest } from "../internal/native_types";
import { copyJson, readMembers } from "../internal/validate";
import type { Json } from "../values";
import { toErrorAnswer } from "./adapter";
import { readFetchHeaders, toResponse } from "./fetch";
import { type Middleware, type NodeRequest, readRawHeaders, sendAnswer } from "./node_http";
import { type OnError, readCallback } from "./options";

/**
 * The user that a request comes from: the session of its access token as it is now. With `verify: "local"`, what the token says.
 */
export interface Auth {
  userId: string;
  sessionId: string;
  tenantId: string;
  /** The organisation that is active. */
  orgId: string | null;
  role: string | null;
  mfaVerified: boolean;
  /** The host's own claims. */
  claims: Record<string, Json>;
  /**
   * Whether the token was issued before the last update of the session: the client should refresh. Always false with
   * `verify: "local"`.
   */
  outdated: boolean;
}

/** Which requests may pass. */
export interface RequireAuthOptions<Req = never> {
  /**
   * `store` (default): the session of the token is looked up, and refused from the instant that it ended. `local`: only
   * signature and claims are checked, without the database: a token passes until it expires, even after its session was
   * revoked.
   */
  verify?: "store" | "local" | undefined;
  /** Whether a request without a bearer token passes, with `auth` null; default false. A request with a bad token never does. */
  optional?: boolean | undefined;
  /**
   * Where the access token of a request is, if not in `Authorization`: for a WebSocket, whose browser can send no header, the
   * query or the sub-protocol. It counts instead of the header; without a text (null, undefined, empty) the header counts.
   *
   * @example
   * ```js
   * hj.requireAuth({ token: (request) => new URL(request.url, "ws://localhost").searchParams.get("access_token") });
   * ```
   */
  token?: ((request: Req) => string | null | undefined) | undefined;
  /** Called for every answer of 500 and above, with the cause. */
  onError?: OnError | undefined;
}

interface WireAuth {
  user_id: string;
  session_id: string;
  tenant_id: string;
  org_id: string | null;
  role: string | null;
  mfa_verified: boolean;
  claims: Record<string, Json>;
  outdated: boolean;
}

/**
 * Guards the host's own routes, before an adapter for one kind of server.
 * @internal
 */
export class AuthGuard {
  readonly onError: OnError | null;
  readonly #rest: Rest;
  readonly #options: string;
  readonly #token: ((request: never) => unknown) | null;

  constructor(rest: Rest, options: unknown) {
    const found = readMembers("options", options, ["verify", "optional", "token", "onError"]);
    const wire = {
      verify: copyJson("verify", found.get("verify") ?? null),
      optional: copyJson("optional", found.get("optional") ?? null),
    };
    this.onError = readCallback("onError", found.get("onError"));
    this.#token = readCallback("token", found.get("token"));
    this.#rest = rest;
    this.#options = JSON.stringify(wire);
    const refusal = addon.authorizeOptionsRefusal(this.#options);
    if (refusal?.code) throw engineError(refusal.code, refusal.text);
  }

  /**
   * The user of a request; null for a request without a token that may pass, and for a CORS preflight. Rejects when the
   * request may not pass. `request` is the framework's own request, for the host's `token`.
   */
  async check(method: string, headers: string[], request: unknown): Promise<Auth | null> {
    const token: unknown = this.#token?.(request as never) ?? null;
    if (token !== null && typeof token !== "string") {
      throw new HelloJohnError("internal", "token: must return a string, null or undefined");
    }
    const wire = await callInlineOrAsync<WireAuth | null>(() =>
      this.#rest.authorize(method, headers, this.#options, token?.toWellFormed() || null),
    );
    return (
      wire && {
        userId: wire.user_id,
        sessionId: wire.session_id,
        tenantId: wire.tenant_id,
        orgId: wire.org_id,
        role: wire.role,
        mfaVerified: wire.mfa_verified,
        claims: wire.claims,
        outdated: wire.outdated,
      }
    );
  }
}

/** @internal */
export function createAuthMiddleware<Req extends NodeRequest>(guard: AuthGuard): Middleware<Req> {
  return async (request, response, next) => {
    let auth: Auth | null;
    try {
      auth = await guard.check(request.method ?? "GET", readRawHeaders(request), request);
    } catch (error) {
      return sendAnswer(response, toErrorAnswer(error, guard.onError));
    }
    (request as { auth?: Auth | null }).auth = auth;
    next?.();
  };
}

/** @internal */
export async function authorizeRequest(
  guard: AuthGuard,
  request: Request | NodeRequest,
  isOptional: boolean,
): Promise<Auth | null | Response> {
  try {
    const { method = "GET" } = request;
    const headers =
      "rawHeaders" in request ? readRawHeaders(request) : readFetchHeaders(request, new URL(request.url));
    const auth = await guard.check(method, headers, request);
    // A preflight has no user: the caller answers with what it gets.
    return auth ?? (isOptional ? null : new Response(null, { status: 204 }));
  } catch (error) {
    return toResponse(toErrorAnswer(error, guard.onError));
  }
}
