import { validationError } from "./errors";
import type { CreateSessionOptions, RefreshOptions, Session } from "./generated/types";
import {
  CREATE_NAMES,
  REFRESH_NAMES,
  type StatusFilter,
  toSession,
  type WireSession,
} from "./generated/wire";
import { callBudget } from "./internal/event_loop_budget";
import { callAsync, callInlineOrAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import {
  readMembers,
  readOptionalText,
  readRequiredMembers,
  readText,
  readToken,
  toRequestJson,
} from "./internal/validate";
import { type SessionGrant, toGrant, type UpdatedSession, type WireGrant } from "./session";
import type { JsonLike } from "./values";
import type { SessionVerification, Verifier } from "./verification";

/** Filter and page of a list. */
export interface ListOptions {
  status?: StatusFilter | null | undefined;
  /** How many at most, 1 to 100; default 20. */
  limit?: number | null | undefined;
  /** The `nextCursor` of the previous page. */
  cursor?: string | null | undefined;
}

/** The sessions to list: of one user, or of the whole tenant when no user is given. */
export interface ListQuery extends ListOptions {
  userId?: string;
  user_id?: string;
}

/**
 * One page, newest first. It is the array of its sessions. `JSON.stringify` writes it as `{sessions, nextCursor}`. What makes
 * another array of it (`slice`, `map`, spread, `structuredClone`) keeps the sessions only: take `nextCursor` before.
 */
export interface SessionList extends Array<Session> {
  /** The array itself. */
  readonly sessions: Session[];
  /** Where the next page starts; null on the last page, and only there: a page may be short or empty before it. */
  readonly nextCursor: string | null;
  /** What `JSON.stringify` writes. */
  toJSON(): { sessions: Session[]; nextCursor: string | null };
}

/** Options whose `claims`, an object of any declared type, have members that JSON can say. */
export type WithClaims<Options, Claims extends object> = Options & {
  claims?: (Claims & JsonLike<Claims>) | null | undefined;
};

/** A change of values in access tokens: absent or `undefined` leaves a value as it is, null clears it. */
export interface UpdateSessionOptions {
  orgId?: string | null | undefined;
  role?: string | null | undefined;
  mfaVerified?: boolean | undefined;
  /** Replaces all own claims. */
  claims?: object | null | undefined;
}

const UPDATE = { orgId: "org_id", role: "role", mfaVerified: "mfa_verified", claims: "claims" } as const;
const PAGE = ["status", "limit", "cursor"];
const USER = ["userId", "user_id"];

/** @internal */
export const CREATE_FIELDS: readonly string[] = Object.keys(CREATE_NAMES);

/** @internal */
export function createRequest(fields: Map<string, unknown>): string {
  return toRequestJson(fields, CREATE_NAMES);
}

/** @internal */
export async function createSession(
  tenant: NativeTenant,
  fields: Map<string, unknown>,
): Promise<SessionGrant> {
  return toGrant(await callAsync<WireGrant>(tenant.create(createRequest(fields))));
}

/** The sessions of the tenant: `hj.sessions`. Every method may reject with `engine_closed` or a `storage_…` code. */
export class Sessions {
  readonly #tenant: NativeTenant;
  readonly #verifier: Verifier;

  /** @internal */
  constructor(tenant: NativeTenant, verifier: Verifier) {
    this.#tenant = tenant;
    this.#verifier = verifier;
  }

  /**
   * Creates a session: signs a user in on a device. Sessions above `maxSessionsPerUser` are revoked, the oldest first.
   *
   * Rejects with `validation_error`.
   *
   * @example
   * ```js
   * const { session, accessToken, refreshToken } = await hj.sessions.create({
   *   userId: "usr_1",
   *   userAgent: request.headers["user-agent"],
   *   duration: "30d",
   * });
   * ```
   */
  async create<Claims extends object = object>(
    options: WithClaims<CreateSessionOptions, Claims>,
  ): Promise<SessionGrant> {
    return createSession(this.#tenant, readRequiredMembers("options", options, CREATE_FIELDS));
  }

  /**
   * Exchanges the live refresh token for its successor and a new access token. Within `refreshReuseWindow` the old token is
   * answered with the same successor, so that parallel tabs and lost answers converge; later the old token ends the session.
   *
   * Rejects with `missing_token`, `refresh_token_invalid`, `session_expired`, `session_revoked`,
   * `refresh_token_reused` (the session has been ended), `refresh_token_ahead`, `validation_error`.
   *
   * @example
   * ```js
   * const { accessToken, refreshToken: next } = await hj.sessions.refresh(refreshToken);
   * ```
   */
  async refresh(refreshToken: string, options?: RefreshOptions): Promise<SessionGrant> {
    const presented = readToken("refreshToken", refreshToken);
    const from = toRequestJson(readMembers("options", options, Object.keys(REFRESH_NAMES)), REFRESH_NAMES);
    return toGrant(await callAsync<WireGrant>(this.#tenant.refresh(presented, from)));
  }

  /** Gets a session; an ended one, too, until it is purged. Rejects with `session_not_found`. */
  async get(id: string): Promise<Session> {
    return this.#verifier.get(id);
  }

  /**
   * Lists a page of a user's sessions; of every status by default. Rejects with `validation_error`.
   *
   * One call looks at no more than 1,000 sessions. Where few of many match, a page may be short or even empty and have a
   * `nextCursor` all the same: only a page whose `nextCursor` is null is the last. The active sessions of a user are found
   * without a look at those whose end is written down.
   *
   * @example
   * ```js
   * const sessions = [];
   * let cursor = null;
   * do {
   *   const page = await hj.sessions.list("usr_1", { status: "active", limit: 50, cursor });
   *   sessions.push(...page);
   *   cursor = page.nextCursor;
   * } while (cursor !== null);
   * ```
   */
  async list(userId: string, options?: ListOptions): Promise<SessionList>;
  /** Lists a page of a user's or the tenant's sessions; active ones by default. Rejects with `validation_error`. */
  async list(query: ListQuery): Promise<SessionList>;
  async list(first: string | ListQuery, options?: ListOptions): Promise<SessionList> {
    const query =
      typeof first === "string"
        ? new Map<string, unknown>([["user_id", first], ...readMembers("options", options, PAGE)])
        : readListQuery(first, options);
    if (typeof first === "string") query.set("status", query.get("status") ?? "all");
    const asked = toRequestJson(query, { userId: "user_id" });
    const page = await callInlineOrAsync<{ data: WireSession[]; next_cursor: string | null }>(() =>
      this.#tenant.list(asked),
    );
    return toSessionList(
      callBudget.charge(() => page.data.map(toSession)),
      page.next_cursor,
    );
  }

  /**
   * Ends a session at once for every refresh and every verification in the store; local verification accepts its access
   * token until that expires. A session that has already ended stays as it is.
   *
   * Rejects with `session_not_found`.
   *
   * @example
   * ```js
   * await hj.sessions.revoke(session.id);
   * ```
   */
  async revoke(id: string): Promise<void> {
    await callAsync(this.#tenant.revoke(readText("id", id)));
  }

  /**
   * Ends all active sessions of a user, or all but one, and resolves to how many.
   *
   * Rejects with `session_not_found` if `except` is not one of the user's sessions; no session is revoked then.
   *
   * @example
   * ```js
   * await hj.sessions.revokeAll("usr_1", { except: session.id });
   * ```
   */
  async revokeAll(
    userId: string,
    options?: { except?: string | null | undefined },
  ): Promise<{ revoked: number }> {
    const user = readText("userId", userId);
    const except = readOptionalText("except", readMembers("options", options, ["except"]).get("except"));
    return callAsync(this.#tenant.revokeUser(user, except));
  }

  /** Ends all active sessions of the tenant, and resolves to how many. */
  async revokeTenant(): Promise<{ revoked: number }> {
    return callAsync(this.#tenant.revokeTenant());
  }

  /**
   * Verifies in the store that a session is active, by its id or by one of its access tokens. An argument with a dot is taken
   * for an access token.
   *
   * Never rejects for a session or token that is unknown, ended or malformed.
   *
   * @example
   * ```js
   * const { valid, session, error } = await hj.sessions.verify(sessionId);
   * ```
   */
  async verify(sessionIdOrAccessToken: string): Promise<SessionVerification> {
    return this.#verifier.verifySession(sessionIdOrAccessToken);
  }

  /**
   * Changes the organisation, role, step-up or own claims of an active session, and issues an access token that carries
   * them. The refresh token stays as it is.
   *
   * Rejects with `session_not_found`, `session_revoked`, `session_expired`, `validation_error`.
   *
   * @example
   * ```js
   * const { accessToken } = await hj.sessions.update(session.id, { mfaVerified: true });
   * ```
   */
  async update<Claims extends object = object>(
    id: string,
    patch: WithClaims<UpdateSessionOptions, Claims>,
  ): Promise<UpdatedSession> {
    const session = readText("id", id);
    const change = toRequestJson(readRequiredMembers("patch", patch, Object.keys(UPDATE)), UPDATE);
    const { refreshToken: _, ...updated } = toGrant(
      await callAsync<WireGrant>(this.#tenant.update(session, change)),
    );
    return updated;
  }
}

function toSessionList(sessions: Session[], nextCursor: string | null): SessionList {
  // Not enumerable: the list compares and prints as the array that it is, and structuredClone accepts it.
  return Object.defineProperties(sessions, {
    sessions: { value: sessions },
    nextCursor: { value: nextCursor },
    // A copy, because JSON.stringify would ask the list itself again for its JSON.
    toJSON: { value: () => ({ sessions: [...sessions], nextCursor }) },
  }) as SessionList;
}

function readListQuery(query: unknown, options: unknown): Map<string, unknown> {
  if (typeof query !== "object" || query === null)
    throw validationError("userId", "must be a string, or an object");
  if (options !== undefined) throw validationError("options", "belong into the object");
  const found = readRequiredMembers("query", query, [...USER, ...PAGE]);
  const users = USER.filter((name) => found.has(name));
  if (users.length > 1) throw validationError("userId", "must not be given twice");
  for (const name of users) {
    // A user who is missing by mistake must not select the whole tenant.
    if (found.get(name) == null) throw validationError(name, "must be a string when it is given");
  }
  return found;
}
