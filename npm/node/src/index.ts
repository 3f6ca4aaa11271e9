export type { Authenticate, AuthenticatedUser, Credentials, SignedInSession, SignInOptions } from "./auth";
export { ManualClock } from "./clock";
export { type ErrorCode, HelloJohnError } from "./error";
export type {
  FastifyHook,
  FastifyInstanceLike,
  FastifyPlugin,
  FastifyPluginOptions,
  FastifyReplyLike,
  FastifyRequestLike,
} from "./fastify";
export type { Handler, HandlerOptions } from "./fetch";
export type { Auth, RequireAuthOptions } from "./gate";
export { HelloJohn, type HelloJohnOptions, type Stats, type VerifyTokenOptions } from "./hellojohn";
export type { Middleware, MiddlewareOptions, NodeRequest, NodeResponse } from "./http";
export type { Jwks, KeyInfo, KeyState, PublicJwk } from "./keys";
export type { CookieOptions, OnError, RestOptions } from "./rest_options";
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
