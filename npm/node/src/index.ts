export type { Authenticate, AuthenticatedUser, Credentials, SignedInSession, SignInOptions } from "./auth";
export { ManualClock } from "./clock";
export type { Config, ConfigPatch } from "./config";
export { type ErrorCode, HelloJohnError } from "./errors";
export { HelloJohn, type HelloJohnOptions, type Stats, type VerifyTokenOptions } from "./hellojohn";
export type { Jwks, KeyInfo, KeyState, PublicJwk } from "./keys";
export type { Auth, RequireAuthOptions } from "./rest/authorize";
export type {
  FastifyHook,
  FastifyInstanceLike,
  FastifyPlugin,
  FastifyPluginOptions,
  FastifyReplyLike,
  FastifyRequestLike,
} from "./rest/fastify";
export type { Handler, HandlerOptions } from "./rest/fetch";
export type { Middleware, MiddlewareOptions, NodeRequest, NodeResponse } from "./rest/node_http";
export type { CookieOptions, OnError, RestOptions } from "./rest/options";
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
export type {
  AccessTokenClaims,
  SessionVerification,
  TokenVerification,
  VerificationError,
} from "./verification";
