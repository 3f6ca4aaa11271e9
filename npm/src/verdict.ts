import { answered, type Handle } from "./addon";
import { type ErrorCode, HelloJohnError } from "./error";
import { token } from "./input";
import { type Json, type Session, toSession, type WireSession } from "./session";

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

export async function sessionVerdict(ask: () => number): Promise<SessionVerification> {
  const verdict = await verdictOf(ask);
  const session = verdict.session && toSession(verdict.session);
  if (verdict.valid && session) return { valid: true, session };
  return { valid: false, session, error: reason(verdict) };
}

/** How many tokens are kept in mind: as many as the addon does. */
const VERIFIED_MAX = 4096;

/** What was found good, and the number that the addon has it under. */
interface Verified {
  number: number;
  payload: AccessTokenClaims;
  /** Its claims are plain values, so that copying it one level deep is copying it. */
  flat: boolean;
}

/**
 * Verifies access tokens against the store. One that verified lately costs no look at the store while nobody has
 * committed since: the addon knows that without a system call.
 * @internal
 */
export class TokenVerifier {
  readonly #handle: Handle;
  readonly #verified = new Map<string, Verified>();

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  async verify(presented: unknown): Promise<TokenVerification> {
    if (typeof presented === "string") {
      const known = this.#verified.get(presented);
      if (known && this.#handle.stillHolds(known.number)) {
        return { valid: true, payload: copy(known), error: null };
      }
    }
    const verdict = await verdictOf(() => this.#handle.verifyAccessToken(token("token", presented)));
    const { valid, payload, number } = verdict;
    if (!valid || !payload) {
      this.#verified.delete(presented as string);
      return { valid: false, payload: null, error: reason(verdict) };
    }
    if (number !== null) this.#keep(presented as string, number, payload);
    return { valid: true, payload, error: null };
  }

  #keep(presented: string, number: number, payload: AccessTokenClaims): void {
    // Anew, so that it counts as the youngest.
    this.#verified.delete(presented);
    if (this.#verified.size >= VERIFIED_MAX) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    const flat = Object.values(payload).every((claim) => typeof claim !== "object" || claim === null);
    const known = { number, payload, flat };
    this.#verified.set(presented, { ...known, payload: copy(known) });
  }
}

/** The caller may change what he gets. */
function copy({ payload, flat }: Verified): AccessTokenClaims {
  return flat ? { ...payload } : (structuredClone(payload) as AccessTokenClaims);
}

function reason({ error }: WireVerdict): VerificationError {
  return error
    ? { code: error.code, message: error.detail }
    : { code: "internal", message: "the engine gave no reason" };
}

/** A token that is not even text comes from outside like any other bad token: it is refused, not thrown at. */
async function verdictOf(ask: () => number): Promise<WireVerdict> {
  let call: number;
  try {
    call = ask();
  } catch (error) {
    if (!(error instanceof HelloJohnError)) throw error;
    return { valid: false, session: null, payload: null, number: null, error };
  }
  return answered<WireVerdict>(call);
}
