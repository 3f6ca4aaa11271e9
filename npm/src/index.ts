export type { Authenticate, AuthenticatedUser, Credentials, SignedInSession, SignInOptions } from "./auth";
export { ManualClock } from "./clock";
export { type ErrorCode, HelloJohnError } from "./error";
export { HelloJohn, type HelloJohnOptions, type Stats, type VerifyTokenOptions } from "./hellojohn";
export type { Jwks, KeyInfo, KeyState, PublicJwk } from "./keys";
export type {
  DeviceType,
  Duration,
  EndReason,
  Json,
  Session,
  SessionGrant,
  SessionStatus,
  UpdatedSession,
} from "./session";
export type {
  CreateSessionOptions,
  ListOptions,
  ListQuery,
  RefreshOptions,
  SessionList,
  UpdateSessionOptions,
} from "./sessions";
export type { Config, ConfigPatch } from "./settings";
export type {
  AccessTokenClaims,
  SessionVerification,
  TokenVerification,
  VerificationError,
} from "./verdict";
