import { HelloJohnError } from "./errors";
import type { ErrorCode, Factor, Session } from "./generated/types";
import {
  SESSION_NUMBERS,
  toIdentity,
  toSession,
  type WireSession,
  type WireSessionTexts,
} from "./generated/wire";
import { AnswerCache, type CacheLimits } from "./internal/answer_cache";
import { callBudget, isOnlyCheck } from "./internal/event_loop_budget";
import { isSession, type KeptPage, Lists } from "./internal/lists";
import { LookUps } from "./internal/look_ups";
import { callInlineOrAsync } from "./internal/native";
import type { Call, NativeTenant } from "./internal/native_types";
import { fromCache } from "./internal/observation";
import { countSessionBytes, joinSessions, sessionNumbers } from "./internal/session_parts";
import { readToken } from "./internal/validate";
import { copyClaims, toUnsharedSession } from "./session";
import type { Json } from "./values";

/** Why a verification failed. */
export interface VerificationError {
  /** What is wrong; branch on it. */
  code: ErrorCode;
  /** One English line for a developer. */
  message: string;
}

/** Whether a session is active. An ended session is part of the answer; an unknown one is null. */
export type SessionVerification =
  | {
      valid: true;
      /** The session as it is now. */
      session: Session;
      error?: undefined;
    }
  | {
      valid: false;
      /** The session that has ended; null for an unknown one. */
      session: Session | null;
      /** Why it is not good. */
      error: VerificationError;
    };

/** The claims of an access token; times in seconds since the epoch. */
export interface AccessTokenClaims {
  /** The issuer: the option `issuer` of the host that signed it. */
  iss: string;
  /** The tenant. */
  aud: string;
  /** The user. */
  sub: string;
  /** The session. */
  session_id: string;
  /** The same as `session_id`. */
  sid: string;
  /** The same as `aud`. */
  tenant_id: string;
  /** The user's role when the token was issued. */
  role: string | null;
  /** Whether the user had passed a second factor. */
  mfa_verified: boolean;
  /** Absent unless an organisation is active. */
  org_id?: string;
  /** The role within the organisation. */
  org_role?: string | null;
  /** Absent unless the host has given it. */
  email?: string;
  /** When it was issued. */
  iat: number;
  /** From when on it is refused. */
  exp: number;
  /** When the user authenticated. Tokens of earlier releases do not say it. */
  auth_time?: number;
  /** The methods that the user had passed, the newest last; absent without any. */
  amr?: string[];
  /** Who acts for the user, if another person does (RFC 8693). */
  act?: { sub: string };
  /** When each of them was passed last; absent where all are of the same second. */
  amr_times?: number[];
  /** Its own id. */
  jti: string;
  /** The host's own claims. */
  [claim: string]: Json | undefined;
}

/**
 * Whether an access token is valid and its session active now. Decide by `role`, `orgId`, `mfaVerified`, `claims` and `factors`: they are
 * the session's as it is now.
 */
export type TokenVerification =
  | {
      valid: true;
      /** What the token says. */
      payload: AccessTokenClaims;
      /** The role in the session now. */
      role: string | null;
      /** The organisation of the session now. */
      orgId: string | null;
      /** Whether the user has passed a second factor. */
      mfaVerified: boolean;
      /** The host's own claims. */
      claims: Record<string, Json>;
      /** When the user authenticated: the sign-in, or the factor that was passed last. */
      authTime: Date;
      /** The methods that the user has passed, each with its last time, the newest last. */
      factors: Factor[];
      /** Who acts for the user, and why, if another person does. */
      actor: Session["actor"];
      /** Whether the token was issued before the last update of the session: the client should refresh. */
      outdated: boolean;
      error: null;
    }
  | {
      valid: false;
      payload: null;
      /** Why the token is not good. */
      error: VerificationError;
    };

/** The number is that of the session's validator in the addon; null when the session must not be cached. */
type WireCacheable<T = WireSession> = [session: T, number: number | null];

interface WireVerification {
  valid: boolean;
  session: WireSession | null;
  payload: AccessTokenClaims | null;
  outdated: boolean;
  /** Of the answer's validator in the addon; null when the answer must not be cached. */
  number: number | null;
  error: { code: ErrorCode; detail: string } | null;
}

/**
 * Asks the store about sessions, lists of them and access tokens. Answers are cached; a cached answer is used as long as it is fresh.
 * @internal
 */
export class Verifier {
  readonly #tenant: NativeTenant;
  readonly #tenantId: string;
  readonly #tokens: AnswerCache<WireVerification>;
  /** By id; and first pages of users' lists by their request, which begins with a brace. */
  readonly #sessions: AnswerCache<WireSession | KeptPage>;
  readonly #gets: LookUps<WireCacheable, Session>;
  readonly lists: Lists;

  constructor(tenant: NativeTenant, tenantId: string, cacheLimits: CacheLimits) {
    this.#tenant = tenant;
    this.#tenantId = tenantId;
    this.#tokens = new AnswerCache(tenant, cacheLimits);
    this.#sessions = new AnswerCache(tenant, cacheLimits);
    this.#gets = new LookUps(
      (ids) => getTogether(tenant, ids),
      (id, answer) => this.#toNewSession(id, answer),
    );
    this.lists = new Lists(tenant, tenantId, this.#sessions);
  }

  /** The session, if it is kept. */
  cachedSession(id: string): Session | undefined {
    const cached = fromCache("get", this.#tenantId, () => sessionIn(this.#sessions.getUnchanged(id)));
    return cached && toUnsharedSession(cached);
  }

  /** The session, read together with those that are asked for in the same turn; null if it has to be read alone. */
  readTogether(id: string): Promise<Session | null> {
    return this.#gets.ask(id);
  }

  async readAlone(id: string): Promise<Session> {
    return this.#toNewSession(id, await callInlineOrAsync<WireCacheable>(() => this.#tenant.get(id)));
  }

  /** Reads the sessions and lists that were begun in this turn. */
  finish(): void {
    this.#gets.finish();
    this.lists.finish();
  }

  /** What is known of a token, if that is kept. */
  cachedVerification(accessToken: unknown): TokenVerification | undefined {
    const answer = this.#cachedToken(accessToken);
    return answer && toTokenVerification(answer);
  }

  async verifyToken(accessToken: unknown): Promise<TokenVerification> {
    return toTokenVerification(await this.#verifyTokenInStore("token", accessToken));
  }

  /** Verifies by an access token, which has a dot, or by a session id. */
  async verifySession(subject: unknown): Promise<SessionVerification> {
    const field = "sessionIdOrAccessToken";
    const pause = callBudget.yieldIfSpent();
    if (pause) await pause;
    let answer: WireVerification;
    if (typeof subject !== "string" || subject === "" || subject.includes(".")) {
      answer = this.#cachedToken(subject) ?? (await this.#verifyTokenInStore(field, subject));
    } else {
      const active = fromCache("verify_session", this.#tenantId, () => {
        const session = sessionIn(this.#sessions.get(subject));
        const unshared = session && toUnsharedSession(session);
        return unshared?.status === "active" ? unshared : undefined;
      });
      if (active) return { valid: true, session: active };
      answer = await this.#verifySessionInStore(field, subject);
    }
    const session = answer.session && toUnsharedSession(answer.session);
    if (answer.valid && session) return { valid: true, session };
    return { valid: false, session, error: toVerificationError(answer) };
  }

  #cachedToken(accessToken: unknown): WireVerification | undefined {
    return fromCache("verify_access_token", this.#tenantId, () => this.#tokens.get(accessToken));
  }

  #toNewSession(id: string, [session, number]: WireCacheable): Session {
    if (number === null) return toSession(session);
    this.#sessions.keep(id, number, session, countSessionBytes(session));
    return toUnsharedSession(session);
  }

  async #verifySessionInStore(field: string, id: unknown): Promise<WireVerification> {
    const answer = await verify(field, id, (sessionId) => this.#tenant.verifySession(sessionId));
    if (answer.number !== null && answer.session) {
      this.#sessions.keep(id as string, answer.number, answer.session);
    }
    return answer;
  }

  async #verifyTokenInStore(field: string, accessToken: unknown): Promise<WireVerification> {
    const isCached = this.#tokens.has(accessToken);
    const inline = isCached || isOnlyCheck();
    const answer = await verify(field, accessToken, (jwt) => this.#tenant.verifyAccessToken(jwt, inline));
    if (answer.number === null) this.#tokens.forget(accessToken);
    else this.#tokens.keep(accessToken as string, answer.number, answer);
    return answer;
  }
}

function getTogether(tenant: NativeTenant, ids: string[]): (WireCacheable | null)[] {
  const answers = JSON.parse(
    tenant.getTogether(ids, sessionNumbers),
  ) as (WireCacheable<WireSessionTexts> | null)[];
  const joined: (WireCacheable | null)[] = [];
  let at = 0;
  for (const answer of answers) {
    const [session] = answer ? joinSessions([answer[0]], at) : [];
    joined.push(answer && session ? [session, answer[1]] : null);
    at += session ? SESSION_NUMBERS : 0;
  }
  return joined;
}

function sessionIn(answer: WireSession | KeptPage | undefined): WireSession | undefined {
  return typeof answer === "object" && isSession(answer) ? answer : undefined;
}

function toTokenVerification(answer: WireVerification): TokenVerification {
  const { payload, session, outdated } = answer;
  if (!payload || !session) return { valid: false, payload: null, error: toVerificationError(answer) };
  const { role, orgId, mfaVerified, claims, authTime, factors, actor } = toIdentity(session);
  return {
    valid: true,
    payload: copyClaims(payload),
    role,
    orgId,
    mfaVerified,
    claims: copyClaims(claims),
    authTime,
    factors,
    actor,
    outdated,
    error: null,
  };
}

function toVerificationError({ error }: WireVerification): VerificationError {
  return error
    ? { code: error.code, message: error.detail }
    : { code: "internal", message: "the engine gave no reason" };
}

/** Verifies a token or id. One that is not even text comes from outside like any other bad one: the answer is a refusal. */
async function verify(
  field: string,
  subject: unknown,
  makeCall: (subject: string) => Call,
): Promise<WireVerification> {
  let text: string;
  try {
    text = readToken(field, subject);
  } catch (error) {
    if (!(error instanceof HelloJohnError)) throw error;
    return { valid: false, session: null, payload: null, outdated: false, number: null, error };
  }
  return callInlineOrAsync<WireVerification>(() => makeCall(text));
}
