import { type Call, type NativeTenant, looked } from "./addon";
import { type ErrorCode, HelloJohnError } from "./error";
import { text, token } from "./input";
import { Memory } from "./memory";
import { type Json, ownCopy, type Session, toOwnSession, type WireSession } from "./session";
import { isAlone, turn } from "./turn";

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
  readonly #handle: NativeTenant;
  readonly #tokens: Memory<WireVerdict>;
  readonly #sessions: Memory<WireSession>;

  constructor(handle: NativeTenant, most: number) {
    this.#handle = handle;
    this.#tokens = new Memory(handle, most);
    this.#sessions = new Memory(handle, most);
  }

  async get(id: unknown): Promise<Session> {
    const name = text("id", id);
    const pause = turn();
    if (pause) await pause;
    return toOwnSession(this.#sessions.get(name) ?? (await this.#look(name)));
  }

  async verifyToken(presented: unknown): Promise<TokenVerification> {
    const pause = turn();
    if (pause) await pause;
    const verdict = this.#tokens.get(presented) ?? (await this.#askAboutToken("token", presented));
    if (verdict.payload) return { valid: true, payload: ownCopy(verdict.payload), error: null };
    return { valid: false, payload: null, error: reason(verdict) };
  }

  /** By an access token, which has a dot, or by the id. */
  async verifySession(subject: unknown): Promise<SessionVerification> {
    const field = "sessionIdOrAccessToken";
    const pause = turn();
    if (pause) await pause;
    let verdict: WireVerdict;
    if (typeof subject !== "string" || subject === "" || subject.includes(".")) {
      verdict = this.#tokens.get(subject) ?? (await this.#askAboutToken(field, subject));
    } else {
      const known = this.#sessions.get(subject);
      const session = known && toOwnSession(known);
      if (session?.status === "active") return { valid: true, session };
      verdict = await this.#askAboutSession(field, subject);
    }
    const session = verdict.session && toOwnSession(verdict.session);
    if (verdict.valid && session) return { valid: true, session };
    return { valid: false, session, error: reason(verdict) };
  }

  async #look(id: string): Promise<WireSession> {
    const { session, number } = await looked<{ session: WireSession; number: number }>(() =>
      this.#handle.get(id),
    );
    this.#sessions.keep(id, number, session);
    return session;
  }

  async #askAboutSession(field: string, id: unknown): Promise<WireVerdict> {
    const verdict = await verdictOf(field, id, (name) => this.#handle.verifySession(name));
    if (verdict.number !== null && verdict.session) {
      this.#sessions.keep(id as string, verdict.number, verdict.session);
    }
    return verdict;
  }

  async #askAboutToken(field: string, presented: unknown): Promise<WireVerdict> {
    const isKnown = this.#tokens.has(presented);
    const here = isKnown || isAlone();
    const verdict = await verdictOf(field, presented, (jwt) => this.#handle.verifyAccessToken(jwt, here));
    if (verdict.number === null) this.#tokens.forget(presented);
    else this.#tokens.keep(presented as string, verdict.number, verdict);
    return verdict;
  }
}

function reason({ error }: WireVerdict): VerificationError {
  return error
    ? { code: error.code, message: error.detail }
    : { code: "internal", message: "the engine gave no reason" };
}

/** A token that is not even text comes from outside like any other bad token: it is refused, not thrown at. */
async function verdictOf(
  field: string,
  subject: unknown,
  ask: (subject: string) => Call,
): Promise<WireVerdict> {
  let asked: string;
  try {
    asked = token(field, subject);
  } catch (error) {
    if (!(error instanceof HelloJohnError)) throw error;
    return { valid: false, session: null, payload: null, number: null, error };
  }
  return looked<WireVerdict>(() => ask(asked));
}
