import { type ErrorCode, HelloJohnError } from "./errors";
import { AnswerCache } from "./internal/answer_cache";
import { isOnlyCheck, yieldIfSpent } from "./internal/event_loop_budget";
import { callInlineOrAsync } from "./internal/native";
import type { Call, NativeTenant } from "./internal/native_types";
import { readText, readToken } from "./internal/validate";
import { copyClaims, type Json, type Session, toUnsharedSession, type WireSession } from "./session";

/** Why something did not verify. */
export interface VerificationError {
  code: ErrorCode;
  message: string;
}

/** Whether a session lives. One that has ended comes with it; one that is unknown does not. */
export type SessionVerification =
  | { valid: true; session: Session; error?: undefined }
  | { valid: false; session: Session | null; error: VerificationError };

/** The claims of an access token; times in seconds since the epoch. */
export interface AccessTokenClaims {
  iss: string;
  /** The tenant. */
  aud: string;
  /** The user. */
  sub: string;
  session_id: string;
  /** The same as `session_id`. */
  sid: string;
  tenant_id: string;
  role: string | null;
  mfa_verified: boolean;
  /** Absent unless an organisation is active. */
  org_id?: string;
  /** The role within the organisation. */
  org_role?: string | null;
  email?: string;
  iat: number;
  exp: number;
  jti: string;
  /** The host's own claims. */
  [claim: string]: Json | undefined;
}

/** Whether an access token and its session are good now. */
export type TokenVerification =
  | { valid: true; payload: AccessTokenClaims; error: null }
  | { valid: false; payload: null; error: VerificationError };

interface WireVerdict {
  valid: boolean;
  session: WireSession | null;
  payload: AccessTokenClaims | null;
  number: number | null;
  error: { code: ErrorCode; detail: string } | null;
}

/**
 * Asks the store about sessions and access tokens; not again about what it said lately, as long as that still holds.
 * @internal
 */
export class Verifier {
  readonly #tenant: NativeTenant;
  readonly #tokens: AnswerCache<WireVerdict>;
  readonly #sessions: AnswerCache<WireSession>;

  constructor(tenant: NativeTenant, most: number) {
    this.#tenant = tenant;
    this.#tokens = new AnswerCache(tenant, most);
    this.#sessions = new AnswerCache(tenant, most);
  }

  async get(id: unknown): Promise<Session> {
    const name = readText("id", id);
    const pause = yieldIfSpent();
    if (pause) await pause;
    return toUnsharedSession(this.#sessions.get(name) ?? (await this.#look(name)));
  }

  async verifyToken(presented: unknown): Promise<TokenVerification> {
    const pause = yieldIfSpent();
    if (pause) await pause;
    const verdict = this.#tokens.get(presented) ?? (await this.#askAboutToken("token", presented));
    if (verdict.payload) return { valid: true, payload: copyClaims(verdict.payload), error: null };
    return { valid: false, payload: null, error: toVerificationError(verdict) };
  }

  /** By an access token, which has a dot, or by the id. */
  async verifySession(subject: unknown): Promise<SessionVerification> {
    const field = "sessionIdOrAccessToken";
    const pause = yieldIfSpent();
    if (pause) await pause;
    let verdict: WireVerdict;
    if (typeof subject !== "string" || subject === "" || subject.includes(".")) {
      verdict = this.#tokens.get(subject) ?? (await this.#askAboutToken(field, subject));
    } else {
      const known = this.#sessions.get(subject);
      const session = known && toUnsharedSession(known);
      if (session?.status === "active") return { valid: true, session };
      verdict = await this.#askAboutSession(field, subject);
    }
    const session = verdict.session && toUnsharedSession(verdict.session);
    if (verdict.valid && session) return { valid: true, session };
    return { valid: false, session, error: toVerificationError(verdict) };
  }

  async #look(id: string): Promise<WireSession> {
    const { session, number } = await callInlineOrAsync<{ session: WireSession; number: number }>(() =>
      this.#tenant.get(id),
    );
    this.#sessions.keep(id, number, session);
    return session;
  }

  async #askAboutSession(field: string, id: unknown): Promise<WireVerdict> {
    const verdict = await verify(field, id, (name) => this.#tenant.verifySession(name));
    if (verdict.number !== null && verdict.session) {
      this.#sessions.keep(id as string, verdict.number, verdict.session);
    }
    return verdict;
  }

  async #askAboutToken(field: string, presented: unknown): Promise<WireVerdict> {
    const isKnown = this.#tokens.has(presented);
    const here = isKnown || isOnlyCheck();
    const verdict = await verify(field, presented, (jwt) => this.#tenant.verifyAccessToken(jwt, here));
    if (verdict.number === null) this.#tokens.forget(presented);
    else this.#tokens.keep(presented as string, verdict.number, verdict);
    return verdict;
  }
}

function toVerificationError({ error }: WireVerdict): VerificationError {
  return error
    ? { code: error.code, message: error.detail }
    : { code: "internal", message: "the engine gave no reason" };
}

/** A token that is not even text comes from outside like any other bad token: it is refused, not thrown at. */
async function verify(field: string, subject: unknown, ask: (subject: string) => Call): Promise<WireVerdict> {
  let asked: string;
  try {
    asked = readToken(field, subject);
  } catch (error) {
    if (!(error instanceof HelloJohnError)) throw error;
    return { valid: false, session: null, payload: null, number: null, error };
  }
  return callInlineOrAsync<WireVerdict>(() => ask(asked));
}
