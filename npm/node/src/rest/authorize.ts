import { engineError, HelloJohnError } from "../errors";
import type { Factor } from "../generated/types";
import { toFactor, type WireFactor } from "../generated/wire";
import { URL } from "../internal/globals";
import { addon, callInlineOrAsync } from "../internal/native";
import type { Rest } from "../internal/native_types";
import { copyJson, readMembers } from "../internal/validate";
import { type Duration, type Json, toDate } from "../values";
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
   * When the user authenticated: the sign-in, or the factor that was passed last; null for a token of an earlier release with
   * `verify: "local"`.
   */
  authTime: Date | null;
  /** The methods that the user has passed, each with its last time, the newest last. */
  factors: Factor[];
  /** Who acts for the user, if another person does. */
  actorUserId: string | null;
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
  /**
   * For how long a factor counts after it was passed, such as `5m`; without `factors`, any of them, the sign-in included. A user
   * whose factor is older is answered with 401 `reauthentication_required`, with `max_age` and `factors`.
   */
  maxAge?: Duration | undefined;
  /** The methods that the user must have passed, all of them; else the answer is 401 `reauthentication_required`. */
  factors?: readonly string[] | undefined;
  /**
   * Whether a session in which another person acts for the user is answered with 403 `insufficient_permissions`; default false.
   * For what only the user may do, such as a new password, a payment, or acting for yet another user.
   */
  refuseActor?: boolean | undefined;
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
  auth_time: number | null;
  factors: WireFactor[];
  actor_user_id: string | null;
  outdated: boolean;
}

/** How a user must authenticate who may not pass. */
interface WireRequired {
  required: { detail: string; max_age: number | null; factors: string[] };
}

const OPTIONS = ["verify", "optional", "token", "maxAge", "factors", "refuseActor", "onError"];

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
    const found = readMembers("options", options, OPTIONS);
    const wire = {
      verify: copyJson("verify", found.get("verify") ?? null),
      optional: copyJson("optional", found.get("optional") ?? null),
      max_age: copyJson("maxAge", found.get("maxAge") ?? null),
      factors: copyJson("factors", found.get("factors") ?? null),
      refuse_actor: copyJson("refuseActor", found.get("refuseActor") ?? null),
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
    const wire = await callInlineOrAsync<WireAuth | WireRequired | null>(() =>
      this.#rest.authorize(method, headers, this.#options, token?.toWellFormed() || null),
    );
    if (wire && "required" in wire) {
      const { detail, max_age: maxAge, factors } = wire.required;
      throw new HelloJohnError("reauthentication_required", detail, { maxAge, factors });
    }
    return (
      wire && {
        userId: wire.user_id,
        sessionId: wire.session_id,
        tenantId: wire.tenant_id,
        orgId: wire.org_id,
        role: wire.role,
        mfaVerified: wire.mfa_verified,
        claims: wire.claims,
        authTime: toDate(wire.auth_time),
        factors: wire.factors.map(toFactor),
        actorUserId: wire.actor_user_id,
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
