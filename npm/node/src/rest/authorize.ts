import { engineError } from "../errors";
import { URL } from "../internal/globals";
import { addon, callAsync } from "../internal/native";
import type { Rest } from "../internal/native_types";
import { copyJson, readMembers } from "../internal/validate";
import { toErrorAnswer } from "./adapter";
import { readFetchHeaders, toResponse } from "./fetch";
import { type Middleware, type NodeRequest, readRawHeaders, sendAnswer } from "./node_http";
import { type OnError, readCallback } from "./options";

/** The user that a request comes from, by its access token. */
export interface Auth {
  userId: string;
  sessionId: string;
  tenantId: string;
  /** The organisation that was active when the token was issued. */
  orgId: string | null;
  role: string | null;
  mfaVerified: boolean;
}

/** Which requests may pass. */
export interface RequireAuthOptions {
  /**
   * `store` (default): the session of the token is looked up, and refused from the instant that it ended. `local`: only
   * signature and claims are checked, without the database: a token passes until it expires, even after its session was
   * revoked.
   */
  verify?: "store" | "local" | undefined;
  /** Whether a request without a bearer token passes, with `auth` null; default false. A request with a bad token never does. */
  optional?: boolean | undefined;
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
}

/**
 * Guards the host's own routes, before an adapter for one kind of server.
 * @internal
 */
export class AuthGuard {
  readonly onError: OnError | null;
  readonly #rest: Rest;
  readonly #options: string;

  constructor(rest: Rest, options: unknown) {
    const found = readMembers("options", options, ["verify", "optional", "onError"]);
    const wire = {
      verify: copyJson("verify", found.get("verify") ?? null),
      optional: copyJson("optional", found.get("optional") ?? null),
    };
    this.onError = readCallback("onError", found.get("onError"));
    this.#rest = rest;
    this.#options = JSON.stringify(wire);
    const refusal = addon.authorizeOptionsRefusal(this.#options);
    if (refusal?.code) throw engineError(refusal.code, refusal.text);
  }

  /** The user of a request; null for a request without a token that may pass. Rejects when the request may not pass. */
  async check(headers: string[]): Promise<Auth | null> {
    const wire = await callAsync<WireAuth | null>(this.#rest.authorize(headers, this.#options));
    return (
      wire && {
        userId: wire.user_id,
        sessionId: wire.session_id,
        tenantId: wire.tenant_id,
        orgId: wire.org_id,
        role: wire.role,
        mfaVerified: wire.mfa_verified,
      }
    );
  }
}

/** @internal */
export function createAuthMiddleware<Req extends NodeRequest>(guard: AuthGuard): Middleware<Req> {
  return async (request, response, next) => {
    let auth: Auth | null;
    try {
      auth = await guard.check(readRawHeaders(request));
    } catch (error) {
      return sendAnswer(response, toErrorAnswer(error, guard.onError));
    }
    (request as { auth?: Auth | null }).auth = auth;
    next?.();
  };
}

/** @internal */
export async function authorizeRequest(guard: AuthGuard, request: Request): Promise<Auth | null | Response> {
  try {
    return await guard.check(readFetchHeaders(request, new URL(request.url)));
  } catch (error) {
    return toResponse(toErrorAnswer(error, guard.onError));
  }
}
