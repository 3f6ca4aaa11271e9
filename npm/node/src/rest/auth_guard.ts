import { engineError, HelloJohnError } from "../errors";
import type { Operation } from "../generated/operation";
import type { ErrorCode, Factor } from "../generated/types";
import { toFactor, type WireFactor } from "../generated/wire";
import { addon, callAsync, callInlineOrAsync } from "../internal/native";
import type { Rest } from "../internal/native_types";
import { copyJson, readMembers } from "../internal/validate";
import { copyClaims } from "../session";
import { type Duration, type Json, toDate } from "../values";
import { type RestAnswer, toErrorAnswer } from "./adapter";
import type { GuardKind, KnownUsers } from "./known_users";
import { type OnError, readCallback } from "./options";
import { readPlainCredentials } from "./plain_request";

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
  /**
   * Whether a request without a bearer token passes, with `auth` null; default false. A request with a bad bearer token never does;
   * cookies that sign no user in count as none.
   */
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
  /** The role that the user must have, by its exact text; else the answer is 403 `insufficient_permissions`. */
  role?: string | undefined;
  /** Whether the user must have passed a second factor (`mfaVerified`); else the answer is 401 `reauthentication_required`. */
  mfa?: boolean | undefined;
  /**
   * The client's address, recorded with the session when cookies are renewed; default: unknown, which keeps the one that was last
   * seen.
   */
  clientAddress?: ((request: Req) => string | null | undefined) | undefined;
  /** Called for every answer of 500 and above, with the cause. */
  onError?: OnError | undefined;
}

/**
 * What the engine tells of a user.
 * @internal
 */
export interface WireAuth {
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

/** A request that may pass. */
interface WirePassed {
  auth: WireAuth | null;
  /** Of the answer's validator in the addon; null when the answer must not be remembered. */
  number: number | null;
  operation: Operation;
}

/** The cookies have to be renewed. */
interface WireRenew {
  renew: true;
}

/** What came of renewing them. */
interface WireRenewal {
  auth: WireAuth | null;
  /** Names and values in turn. */
  headers: string[];
  error: { code: ErrorCode; detail: string; max_age: number | null; factors: string[] } | null;
}

/** How a user must authenticate who may not pass. */
interface WireRequired {
  required: { detail: string; max_age: number | null; factors: string[] };
}

/**
 * What the guard makes of a request.
 * @internal
 */
export interface GuardOutcome {
  /** Null for an anonymous request that may pass, and for a refusal. */
  auth: Auth | null;
  /** The answer to a request that may not pass: an error, or 204 without a header for a CORS preflight, in which browsers send no token. */
  refusal: RestAnswer | null;
  /** What the host's answer gets, names and values in turn: new cookies. A refusal has them already. */
  headers: string[];
}

const OPTIONS = [
  "verify",
  "optional",
  "token",
  "maxAge",
  "factors",
  "refuseActor",
  "role",
  "mfa",
  "clientAddress",
  "onError",
];

/**
 * Guards the host's own routes, before an adapter for one kind of server.
 * @internal
 */
export class AuthGuard {
  readonly #isOptional: boolean;
  readonly #onError: OnError | null;
  readonly #rest: Rest;
  readonly #known: KnownUsers<WireAuth>;
  readonly #kind: GuardKind;
  /** For a host that cannot send cookies with its answer, and for one that does. */
  readonly #options: { reading: string; renewing: string };
  readonly #token: ((request: never) => unknown) | null;
  readonly #clientAddress: ((request: never) => unknown) | null;

  constructor(rest: Rest, known: KnownUsers<WireAuth>, options: unknown) {
    const found = readMembers("options", options, OPTIONS);
    const wire = {
      verify: copyJson("verify", found.get("verify") ?? null),
      optional: copyJson("optional", found.get("optional") ?? null),
      max_age: copyJson("maxAge", found.get("maxAge") ?? null),
      factors: copyJson("factors", found.get("factors") ?? null),
      refuse_actor: copyJson("refuseActor", found.get("refuseActor") ?? null),
      role: copyJson("role", found.get("role") ?? null),
      mfa: copyJson("mfa", found.get("mfa") ?? null),
    };
    this.#isOptional = wire.optional === true;
    this.#onError = readCallback("onError", found.get("onError"));
    this.#token = readCallback("token", found.get("token"));
    this.#clientAddress = readCallback("clientAddress", found.get("clientAddress"));
    this.#rest = rest;
    this.#options = { reading: JSON.stringify(wire), renewing: JSON.stringify({ ...wire, renew: true }) };
    this.#known = known;
    this.#kind = known.kindOf(this.#options.renewing, () => {
      const refusal = addon.authorizeOptionsRefusal(this.#options.renewing);
      if (refusal?.code) throw engineError(refusal.code, refusal.text);
    });
  }

  /**
   * The user of a request that a guard of the same options has let pass before, if it may pass now and that is known at once: its
   * token was seen before and nothing has happened to its session, by any process. Null says nothing: ask {@link check}.
   */
  recall(method: string, headers: readonly string[]): Auth | null {
    const credentials = this.#token ? null : readPlainCredentials(method, headers);
    const user = credentials === null ? undefined : this.#known.find(credentials, this.#kind);
    return user ? toAuth(user, copyClaims(user.claims)) : null;
  }

  /**
   * Never rejects. `request` is the framework's own request, for the host's functions; `renews`: whether the host sends the headers of
   * the outcome with its answer.
   */
  async check(method: string, headers: string[], request: unknown, renews: boolean): Promise<GuardOutcome> {
    try {
      const token: unknown = this.#token?.(request as never) ?? null;
      if (token !== null && typeof token !== "string") {
        throw new HelloJohnError("internal", "token: must return a string, null or undefined");
      }
      const options = renews ? this.#options.renewing : this.#options.reading;
      const wire = await callInlineOrAsync<WirePassed | WireRequired | WireRenew>(() =>
        this.#rest.authorize(method, headers, options, token?.toWellFormed() || null),
      );
      if ("renew" in wire) return await this.#renew(method, headers, request);
      if ("required" in wire) {
        const { detail, max_age: maxAge, factors } = wire.required;
        throw new HelloJohnError("reauthentication_required", detail, { maxAge, factors });
      }
      if (wire.auth === null && !this.#isOptional) {
        return { auth: null, refusal: { status: 204, headers: [], body: "", error: null }, headers: [] };
      }
      this.#remember(method, headers, wire);
      return { auth: wire.auth && toAuth(wire.auth), refusal: null, headers: [] };
    } catch (error) {
      return { auth: null, refusal: toErrorAnswer(error, this.#onError), headers: [] };
    }
  }

  #remember(method: string, headers: readonly string[], { auth, number, operation }: WirePassed): void {
    if (auth === null || number === null || this.#token) return;
    const credentials = readPlainCredentials(method, headers);
    if (credentials === null) return;
    this.#kind.operation = operation;
    // The caller may change what it gets.
    this.#known.keep(credentials, number, { ...auth, claims: copyClaims(auth.claims) }, this.#kind);
  }

  async #renew(method: string, headers: string[], request: unknown): Promise<GuardOutcome> {
    const address: unknown = this.#clientAddress?.(request as never);
    const known = typeof address === "string" ? address : null;
    const renewal = await callAsync<WireRenewal>(
      this.#rest.renew(method, headers, this.#options.renewing, known),
    );
    if (!renewal.error) {
      return { auth: renewal.auth && toAuth(renewal.auth), refusal: null, headers: renewal.headers };
    }
    const { code, detail, max_age: maxAge, factors } = renewal.error;
    const refusal = toErrorAnswer(new HelloJohnError(code, detail, { maxAge, factors }), this.#onError);
    // A refusal is not to be stored anyway.
    for (const value of readSetCookies(renewal.headers)) refusal.headers.push("set-cookie", value);
    return { auth: null, refusal, headers: [] };
  }
}

function toAuth(wire: WireAuth, claims = wire.claims): Auth {
  return {
    userId: wire.user_id,
    sessionId: wire.session_id,
    tenantId: wire.tenant_id,
    orgId: wire.org_id,
    role: wire.role,
    mfaVerified: wire.mfa_verified,
    claims,
    authTime: toDate(wire.auth_time),
    factors: wire.factors.map(toFactor),
    actorUserId: wire.actor_user_id,
    outdated: wire.outdated,
  };
}

/**
 * The cookies that headers set, each as the value of its `Set-Cookie`.
 * @internal
 */
export function readSetCookies(headers: readonly string[]): string[] {
  return headers.filter((_, at) => at % 2 === 1 && headers[at - 1] === "set-cookie");
}
