import { answered } from "./addon";
import { type ErrorCode, HelloJohnError } from "./error";
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
  error: { code: ErrorCode; detail: string } | null;
}

export async function sessionVerdict(ask: () => number): Promise<SessionVerification> {
  const verdict = await verdictOf(ask);
  const session = verdict.session && toSession(verdict.session);
  if (verdict.valid && session) return { valid: true, session };
  return { valid: false, session, error: reason(verdict) };
}

export async function tokenVerdict(ask: () => number): Promise<TokenVerification> {
  const verdict = await verdictOf(ask);
  if (verdict.valid && verdict.payload) return { valid: true, payload: verdict.payload, error: null };
  return { valid: false, payload: null, error: reason(verdict) };
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
    return { valid: false, session: null, payload: null, error };
  }
  return answered<WireVerdict>(call);
}
