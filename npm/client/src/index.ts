export { type Client, type ClientOptions, type Credentials, createClient, type Fetch } from "./client.js";
export type { Channel, Environment } from "./environment.js";
export { type ClientErrorCode, type ErrorDetails, HelloJohnError } from "./errors.js";
export type { DeviceType, EndReason, ErrorCode, Session, SessionStatus } from "./generated/types.js";
export type { ListOptions, SessionPage, Sessions } from "./sessions.js";
export type { State, Status } from "./state.js";
export type { User } from "./user.js";
export {
  type AccessTokenClaims,
  createVerifier,
  type RevocationVerifier,
  type RevocationVerifierOptions,
  type VerifiedToken,
  type Verifier,
  type VerifierOptions,
} from "./verifier.js";
