export type { ActorScope } from "./actor";
export type { Authenticate, AuthenticatedUser, Credentials, SignedInSession, SignInOptions } from "./auth";
export {
  type BackupOptions,
  backupDatabase,
  type CopyProgress,
  type RestoreOptions,
  restoreDatabase,
} from "./backup";
export { type CheckProblem, type CheckReport, checkDatabase } from "./check";
export { ManualClock } from "./clock";
export type { CheckedConfig } from "./config";
export { type CopyOptions, type CopyStep, copyDatabase } from "./copy";
export { HelloJohnError } from "./errors";
export type { EventConsumer, EventHandler } from "./event_consumer";
export {
  type EventExport,
  type EventFilter,
  type EventPage,
  type EventQuery,
  type Events,
  verifyEventLog,
} from "./events";
export type { SessionFilter } from "./filter";
export type { Operation } from "./generated/operation";
export type * from "./generated/types";
export { HelloJohn } from "./hellojohn";
export type { ImportOptions, ImportProblem, ImportReport } from "./import";
export type { Jwks, PublicJwk } from "./keys";
export { type LoweredLease, lowerLease } from "./lease";
export type { PurgeOptions } from "./maintenance";
export type { OperationReport } from "./operations";
export type { HelloJohnOptions, SignInLimit, VerifyMode, VerifyTokenOptions } from "./options";
export type { Auth, RequireAuthOptions } from "./rest/auth_guard";
export type { PageAuth } from "./rest/authorize";
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
export type { AccessCookieOptions, CookieOptions, FormerCookie, OnError, RestOptions } from "./rest/options";
export type { SessionGrant, UpdatedSession } from "./session";
export type { ListOptions, ListQuery, PageOptions, SessionList } from "./session_list";
export type { RevokePreview, UpdateSessionOptions, WithClaims } from "./sessions";
export type { SignInAttempt } from "./sign_in_attempt";
export type { StatsOptions, StatsSeries } from "./stats";
export type { Duration, Json, JsonLike } from "./values";
export type {
  AccessTokenClaims,
  SessionVerification,
  TokenVerification,
  VerificationError,
} from "./verification";
export type { Webhook, WebhookEnd, WebhookOptions } from "./webhooks";
