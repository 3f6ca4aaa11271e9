import { validationError } from "./errors";
import { FILTER_MEMBERS, renameFilter, type SessionFilter } from "./filter";
import type { CreateSessionOptions, RefreshOptions, Session, SessionExplanation } from "./generated/types";
import {
  CREATE_NAMES,
  REFRESH_NAMES,
  toSession,
  toSessionExplanation,
  type WireSession,
  type WireSessionExplanation,
} from "./generated/wire";
import { type ImportOptions, type ImportReport, importSessions } from "./import";
import { callBudget } from "./internal/event_loop_budget";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import {
  readMembers,
  readOptionalBoolean,
  readOptionalText,
  readRequiredMembers,
  readText,
  readToken,
  toRequestJson,
} from "./internal/validate";
import { type SessionGrant, toGrant, type UpdatedSession, type WireGrant } from "./session";
import { type ListOptions, type ListQuery, readListQuery, type SessionList } from "./session_list";
import type { JsonLike } from "./values";
import type { SessionVerification, Verifier } from "./verification";

/** What ending the sessions of a filter would come to. */
export interface RevokePreview {
  /** How many sessions match. */
  count: number;
  /** The newest of them, at most 20, newest first. */
  sample: Session[];
  /** Names what was found, for the call that ends these sessions. */
  plan: string;
}

/** Options whose `claims`, an object of any declared type, have members that JSON can say. */
export type WithClaims<Options, Claims extends object> = Options & {
  claims?: (Claims & JsonLike<Claims>) | null | undefined;
};

/** A change of values in access tokens: absent or `undefined` leaves a value as it is, null clears it. */
export interface UpdateSessionOptions {
  /** The organisation that is active now; null for none. */
  orgId?: string | null | undefined;
  /** The role, in the organisation if one is active; null for none. */
  role?: string | null | undefined;
  /** Whether the user has passed a second factor. */
  mfaVerified?: boolean | undefined;
  /** Replaces all own claims. */
  claims?: object | null | undefined;
  /**
   * A method that the user has just passed: a name of RFC 8176 (`otp`, …) or the host's own. Moves `authTime`. With another kind
   * of factor before it, the session is `mfaVerified`, unless the same change says otherwise.
   */
  factor?: string | undefined;
}

const UPDATE = {
  orgId: "org_id",
  role: "role",
  mfaVerified: "mfa_verified",
  claims: "claims",
  factor: "factor",
} as const;
const REVOKE_WHERE = ["dryRun", "plan"];

/** @internal */
export const CREATE_FIELDS: readonly string[] = Object.keys(CREATE_NAMES);

/** @internal */
export function createRequest(fields: Map<string, unknown>): string {
  const actor = fields.get("actor");
  if (actor === undefined || actor === null) return toRequestJson(fields, CREATE_NAMES);
  const found = readMembers("actor", actor, ["userId", "reason"]);
  const named = { user_id: found.get("userId"), reason: found.get("reason") };
  return toRequestJson(new Map(fields).set("actor", named), CREATE_NAMES);
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
   * @throws HelloJohnError `validation_error`.
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
   * @throws HelloJohnError `missing_token`, `refresh_token_invalid`, `session_expired`, `session_revoked`,
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

  /**
   * Exchanges the credential that an imported session had in its old system for the first tokens of the session: the value of
   * the old cookie, percent-decoded, or the old refresh token. It stands for the session's first refresh token, and this is its
   * refresh: it moves `lastActiveAt`, it is answered with the same tokens again within `refreshReuseWindow`, and later it ends
   * the session.
   *
   * @throws HelloJohnError `missing_token`, `refresh_token_invalid` for a credential that was not imported, `session_expired`,
   * `session_revoked`, `refresh_token_reused` (the session has been ended), `validation_error`.
   *
   * @example
   * ```js
   * const { accessToken, refreshToken } = await hj.sessions.adopt(request.cookies["connect.sid"]);
   * ```
   */
  async adopt(credential: string, options?: RefreshOptions): Promise<SessionGrant> {
    const presented = readToken("credential", credential);
    const from = toRequestJson(readMembers("options", options, Object.keys(REFRESH_NAMES)), REFRESH_NAMES);
    return toGrant(await callAsync<WireGrant>(this.#tenant.adopt(presented, from)));
  }

  /**
   * Imports the sessions of another system from a file of JSON Lines, whose clients then exchange what they hold by
   * {@link adopt}. One object a line: `user_id`, `credential` or `credential_sha256` (64 hexadecimal digits), and, each optional,
   * `external_id` (the name of the session there), `created_at`, `last_active_at`, `expires_at` (milliseconds since the epoch),
   * `ip_address`, `user_agent`, `country`, `device_type`, `device_fingerprint`, `org_id`, `role`, `mfa_verified`, `email`,
   * `claims`.
   *
   * An imported session is there at once: it is listed, counted and can be revoked. It keeps the time of its sign-in and ends at
   * the earlier of `expires_at` and `created_at` + `sessionDuration`. What has ended by now is counted and not imported. Of the
   * credential only SHA-256 is kept. No session is ended: the user's cap binds at the next sign-in.
   *
   * Runs off the event loop, in small transactions that give way to other calls. An import that was cut off is taken up by
   * calling again: the same credential, and the same external id, is one session.
   *
   * @throws HelloJohnError `storage_io` if the file cannot be read; with `stopAtBadRow` with a `validation_error` that names the line of the
   * first bad row, after the rows before it are imported.
   *
   * @example
   * ```js
   * const preview = await hj.sessions.import("old-sessions.jsonl", { dryRun: true });
   * for (const { line, detail } of preview.problems) console.error(`line ${line}: ${detail}`);
   * const { imported } = await hj.sessions.import("old-sessions.jsonl");
   * ```
   */
  async import(path: string, options?: ImportOptions): Promise<ImportReport> {
    return importSessions(this.#tenant, path, options);
  }

  /**
   * Gets a session; an ended one, too, until it is purged.
   *
   * @throws HelloJohnError `session_not_found`.
   *
   * @example
   * ```js
   * const { status, endReason } = await hj.sessions.get(id);
   * ```
   */
  async get(id: string): Promise<Session> {
    const sessionId = readText("id", id);
    const pause = callBudget.yieldIfSpent();
    if (pause) await pause;
    const verifier = this.#verifier;
    return (
      verifier.cachedSession(sessionId) ??
      (await verifier.readTogether(sessionId)) ??
      (await verifier.readAlone(sessionId))
    );
  }

  /**
   * Lists a page of a user's sessions; of every status by default.
   *
   * One call looks at no more than 1,000 sessions. Where few of many match, a page may be short or even empty and have a
   * `nextCursor` all the same: only a page whose `nextCursor` is null is the last. The active sessions of a user are found
   * without a look at those whose end is written down.
   *
   * @throws HelloJohnError `validation_error`.
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
  /**
   * Lists a page of a user's or the tenant's sessions; active ones by default.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * const { sessions, nextCursor } = await hj.sessions.list({ country: ["ES", "PT"], limit: 100 });
   * ```
   */
  async list(query: ListQuery): Promise<SessionList>;
  async list(first: string | ListQuery, options?: ListOptions): Promise<SessionList> {
    const request = readListQuery(first, options);
    while (callBudget.isSpent) await callBudget.renewed();
    const { lists } = this.#verifier;
    return lists.cached(request) ?? (await lists.readTogether(request)) ?? (await lists.readAlone(request));
  }

  /**
   * Tells why a session is over; of an active one, what will end it and when, and how its refresh tokens would be answered, if
   * nothing else happened to the session.
   *
   * @throws HelloJohnError `session_not_found`.
   *
   * @example
   * ```js
   * const { status, endReason, endsBy, endsAt } = await hj.sessions.explain(session.id);
   * ```
   */
  async explain(id: string): Promise<SessionExplanation> {
    return toSessionExplanation(
      await callAsync<WireSessionExplanation>(this.#tenant.explain(readText("id", id))),
    );
  }

  /**
   * Counts the sessions that a filter admits; active ones by default. `count({})` counts the tenant's. Each session of the user or of the tenant is looked at,
   * 1,000 in one read transaction: the count of a large tenant is of slightly different instants.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * const abroad = await hj.sessions.count({ notCountry: ["ES", "PT"] });
   * ```
   */
  async count(filter: SessionFilter): Promise<number> {
    const { count } = await callAsync<{ count: number }>(this.#tenant.count(readFilter(filter)));
    return count;
  }

  /**
   * Ends a session at once for every refresh and every verification in the store; local verification accepts its access
   * token until that expires. A session that has already ended stays as it is.
   *
   * @throws HelloJohnError `session_not_found`.
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
   * @throws HelloJohnError `session_not_found` if `except` is not one of the user's sessions; no session is revoked then.
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

  /**
   * Ends all active sessions of the tenant, and resolves to how many.
   *
   * @example
   * ```js
   * const { revoked } = await hj.sessions.revokeTenant(); // every user signs in again
   * ```
   */
  async revokeTenant(): Promise<{ revoked: number }> {
    return callAsync(this.#tenant.revokeTenant());
  }

  /**
   * Ends every active session that a filter admits (reason `revoked`), and resolves to how many. One commit ends all of them,
   * however many they are. With `dryRun` nothing ends: the promise resolves to how many match, the newest 20 of them, and a plan.
   * With that plan, sessions that signed in after the dry run stay, and the call is refused if more sessions match than it counted.
   *
   * @throws HelloJohnError `validation_error`: also for a filter without a member besides `status` (ending the whole tenant is
   * {@link revokeTenant}), for one that asks for ended sessions, for a plan of another filter, and for a plan that more sessions
   * match now. No session ends then.
   *
   * @example
   * ```js
   * const filter = { ipAddress: "203.0.113.0/24" };
   * const { count, sample, plan } = await hj.sessions.revokeWhere(filter, { dryRun: true });
   * const { revoked } = await hj.sessions.revokeWhere(filter, { plan });
   * ```
   */
  async revokeWhere(filter: SessionFilter, options: { dryRun: true }): Promise<RevokePreview>;
  /** Without `dryRun` they end. */
  async revokeWhere(
    filter: SessionFilter,
    options?: { dryRun?: false; plan?: string },
  ): Promise<{ revoked: number }>;
  async revokeWhere(
    filter: SessionFilter,
    options?: { dryRun?: boolean; plan?: string },
  ): Promise<RevokePreview | { revoked: number }> {
    const asked = readFilter(filter);
    const found = readMembers("options", options, REVOKE_WHERE);
    // A plan that was lost would end more than was looked at.
    const plan = found.has("plan") ? readText("plan", found.get("plan")) : null;
    if (readOptionalBoolean("dryRun", found.get("dryRun")) !== true) {
      return callAsync<{ revoked: number }>(this.#tenant.revokeWhere(asked, plan));
    }
    if (plan !== null) throw validationError("plan", "is what a dry run answers with");
    const preview = await callAsync<{ count: number; sample: WireSession[]; plan: string }>(
      this.#tenant.previewRevokeWhere(asked),
    );
    return { ...preview, sample: callBudget.charge(() => preview.sample.map(toSession)) };
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
   * @throws HelloJohnError `session_not_found`, `session_revoked`, `session_expired`, `validation_error`.
   *
   * @example
   * ```js
   * const { accessToken } = await hj.sessions.update(session.id, { factor: "otp" });
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

function readFilter(filter: unknown): string {
  return toRequestJson(renameFilter(readRequiredMembers("filter", filter, FILTER_MEMBERS)), {});
}
