/// <reference lib="esnext.disposable" preserve="true" />

import { Auth, type Authenticate } from "./auth";
import { isDate, type ManualClock, readTime, toNativeClock } from "./clock";
import { ConfigApi, type ConfigPatch, toWireConfigPatch } from "./config";
import { engineError, HelloJohnError, validationError } from "./errors";
import { isOnlyCheck } from "./internal/event_loop_budget";
import { addon, callAsync, callInlineOrAsync, completionQueue, unwrap } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import {
  readMembers,
  readOptionalText,
  readRequiredMembers,
  readText,
  readToken,
  readWholeNumber,
  toRequestJson,
} from "./internal/validate";
import { type Jwks, Keys } from "./keys";
import { RestAdapter } from "./rest/adapter";
import {
  AuthGuard,
  authorizeRequest,
  createAuthMiddleware,
  type Auth as RequestAuth,
  type RequireAuthOptions,
} from "./rest/authorize";
import {
  createFastifyAuth,
  createFastifyPlugin,
  type FastifyHook,
  type FastifyPlugin,
  type FastifyPluginOptions,
  type FastifyRequestLike,
} from "./rest/fastify";
import { createFetchHandler, type Handler, type HandlerOptions } from "./rest/fetch";
import {
  createMiddleware,
  type Middleware,
  type MiddlewareOptions,
  type NodeRequest,
} from "./rest/node_http";
import { type Duration, toDate } from "./session";
import { Sessions } from "./sessions";
import { type AccessTokenClaims, type TokenVerification, Verifier } from "./verification";

/** How to open a tenant. */
export interface HelloJohnOptions {
  /** The tenant, `tnt_…`: 1 to 255 bytes. */
  tenantId: string;
  /** The tenant's secret key, `sk_…`. The first use of a tenant sets it; later it must be the same. */
  secretKey: string;
  /** A file path, or `":memory:"`; default: the environment variable HELLOJOHN_DATABASE, else `hellojohn.db`. */
  database?: string | undefined;
  /** `iss` of the access tokens; default `https://api.hellojohn.dev`. */
  issuer?: string | undefined;
  /** ConfigApi to apply when the engine opens. */
  config?: ConfigPatch | undefined;
  /**
   * `full` (default): every answer is on disk before it is given. `normal`: a power loss may take back the last moments,
   * never corrupt.
   */
  durability?: "full" | "normal" | undefined;
  /**
   * How many access tokens are remembered as verified, 0 to 1,000,000; default 8192, 0 for none. One takes some 3 KB, and
   * as much again for up to 4096 of the tokens and sessions that this object was asked about last.
   */
  tokenCacheCapacity?: number | undefined;
  /** Checks credentials for `hj.auth.signIn`. */
  authenticate?: Authenticate | undefined;
  /** For tests: the time, instead of the machine's. */
  clock?: ManualClock | undefined;
}

/** What local verification may be told. */
export interface VerifyTokenOptions {
  /** The `aud` to expect; default: the tenant's id, which is what its tokens have. */
  audience?: string | null | undefined;
  /** For how many seconds after its `exp` a token is still good, 0 to 60; default 0. */
  clockSkewSeconds?: number | null | undefined;
}

/** What there is of the tenant. */
export interface Stats {
  sessions: { active: number; expired: number; revoked: number };
  createdLast24h: number;
  /** The size of the whole database in bytes, without the write-ahead log. */
  databaseBytes: number;
  /** The earliest end by the clock that no sweep has written down; null when there is none. */
  oldestUnsweptAt: Date | null;
}

const OPTIONS = [
  "tenantId",
  "secretKey",
  "database",
  "issuer",
  "config",
  "durability",
  "tokenCacheCapacity",
  "authenticate",
  "clock",
];
const TOKEN_CACHE_CAPACITY_MAX = 1_000_000;
/** How many tokens, and how many sessions, one object keeps in mind on JavaScript's side. */
const KNOWN_MAX = 4096;
const VERIFY = { audience: "audience", clockSkewSeconds: "leeway_s" } as const;

/**
 * The sessions of one tenant in one database.
 *
 * The constructor checks its options and throws `validation_error`; it opens nothing. The first call opens the database,
 * off the event loop, and every call waits for that: it rejects with `invalid_api_key` or a `storage_…` code if the
 * opening fails, and a later call tries again. `await hj.ready()` opens at a moment of your choice.
 *
 * An open engine does not keep the process alive; a call without an answer does. Close the engine when you are done with
 * it: an engine that nobody closed is released by the garbage collector, some time.
 */
export class HelloJohn {
  /** Creating, refreshing, listing, revoking and verifying sessions. */
  readonly sessions: Sessions;
  /** Signing in with the host's own check of credentials, and signing out. */
  readonly auth: Auth;
  /** The tenant's settings. */
  readonly config: ConfigApi;
  /** The tenant's signing keys. */
  readonly keys: Keys;
  /** The REST API for hosts of the Fetch API (Hono, Next's route handlers, …): {@link createHandler} without options. */
  readonly handler: (request: Request) => Promise<Response>;
  readonly #tenant: NativeTenant;
  readonly #verifier: Verifier;
  readonly #authenticate: Authenticate | null;
  readonly #restAdapter: RestAdapter;
  #closing: Promise<void> | null = null;

  constructor(options: HelloJohnOptions) {
    const found = readRequiredMembers("options", options, OPTIONS);
    const authenticate = found.get("authenticate") ?? null;
    if (authenticate !== null && typeof authenticate !== "function") {
      throw validationError("authenticate", "must be a function");
    }
    const clock = found.get("clock") as ManualClock | null | undefined;
    const config = found.get("config");
    const tokenCacheCapacity = readWholeNumber(
      "tokenCacheCapacity",
      found.get("tokenCacheCapacity"),
      TOKEN_CACHE_CAPACITY_MAX,
    );
    const database = readOptionalText("database", found.get("database"));
    const settings = {
      tenant_id: readText("tenantId", found.get("tenantId")),
      database: database ?? (process.env["HELLOJOHN_DATABASE"] || "hellojohn.db"),
      issuer: readOptionalText("issuer", found.get("issuer")),
      durability: readOptionalText("durability", found.get("durability")),
      token_cache_capacity: tokenCacheCapacity,
      config: config === undefined || config === null ? null : toWireConfigPatch("config", config),
    };
    const secretKey = readText("secretKey", found.get("secretKey"));
    const native = clock === undefined || clock === null ? null : toNativeClock(clock);
    const tenant = new addon.NativeTenant(completionQueue, JSON.stringify(settings), secretKey, native);
    const refusal = tenant.refusal();
    if (refusal?.code) throw engineError(refusal.code, refusal.text);
    this.#tenant = tenant;
    this.#verifier = new Verifier(tenant, Math.min(tokenCacheCapacity ?? KNOWN_MAX, KNOWN_MAX));
    this.#authenticate = authenticate as Authenticate | null;
    this.sessions = new Sessions(tenant, this.#verifier);
    this.auth = new Auth(tenant, this.#authenticate, () => this.#refuseIfClosed());
    this.config = new ConfigApi(tenant);
    this.keys = new Keys(tenant);
    this.#restAdapter = new RestAdapter(tenant, this.#authenticate, undefined);
    this.handler = createFetchHandler(this.#restAdapter);
  }

  /** Opens the engine now. Rejects with `invalid_api_key` or a `storage_…` code. */
  async ready(): Promise<void> {
    await callAsync(this.#tenant.ready());
  }

  /**
   * Verifies an access token by signature and claims only: its claims. The token stays good until its `exp`, even after
   * its session was revoked; see {@link verifyTokenRemote}.
   *
   * Rejects with `missing_token`, `invalid_token`, `token_expired`, `validation_error`.
   */
  async verifyToken(accessToken: string, options?: VerifyTokenOptions): Promise<AccessTokenClaims> {
    const [presented, expected] = localVerification(accessToken, options);
    const here = isOnlyCheck();
    return callInlineOrAsync(() =>
      here
        ? this.#tenant.verifyLocallyHere(presented, expected)
        : this.#tenant.verifyLocally(presented, expected),
    );
  }

  /**
   * {@link verifyToken} without a promise. If the engine is not open yet, this opens it and blocks the thread for that
   * (some 20 ms, in the worst case 5 s): `await hj.ready()` first.
   *
   * Throws what {@link verifyToken} rejects with.
   */
  verifyTokenSync(accessToken: string, options?: VerifyTokenOptions): AccessTokenClaims {
    const [presented, expected] = localVerification(accessToken, options);
    return unwrap(this.#tenant.verifyLocallySync(presented, expected));
  }

  /**
   * Verifies an access token and asks the store for its session: refuses a session from the instant that the call which
   * ended it returned, in every thread and every process on the database.
   *
   * Never rejects for a bad token, whatever it is; rejects with `engine_closed`, `invalid_api_key` or a `storage_…` code
   * when the store cannot be asked.
   */
  async verifyTokenRemote(accessToken: string): Promise<TokenVerification> {
    return this.#verifier.verifyToken(accessToken);
  }

  /** The tenant's public keys. */
  async jwks(): Promise<Jwks> {
    return callAsync(this.#tenant.jwks());
  }

  /**
   * The REST API as a function of the Fetch API. Sign-in is offered when `authenticate` was given. Every failure is an
   * answer: the function never rejects.
   *
   * Throws `validation_error`.
   */
  createHandler<Context = unknown>(options?: HandlerOptions<Context>): Handler<Context> {
    return createFetchHandler(new RestAdapter(this.#tenant, this.#authenticate, options)) as Handler<Context>;
  }

  /**
   * The REST API as a middleware of Express and Connect, and as a listener of `node:http`: `app.use(hj.middleware())`,
   * `createServer(hj.middleware())`. Requests for other paths than the API's go to `next`; without one they get 404.
   *
   * Mount it before body parsers: it reads the body itself, at most 64 KB. Behind a parser it takes `rawBody` (or a
   * `body` of bytes or text) if the parser kept it; else it writes the parsed `body` as JSON again, and what the parser
   * has dropped, duplicate names above all, cannot be refused any more.
   *
   * Throws `validation_error`.
   */
  middleware<Req extends NodeRequest = NodeRequest>(options?: MiddlewareOptions<Req>): Middleware<Req> {
    return createMiddleware<Req>(new RestAdapter(this.#tenant, this.#authenticate, options));
  }

  /**
   * The REST API as a plugin: `fastify.register(hj.fastifyPlugin(), { prefix: "/auth" })`, the prefix as you like. The
   * host's hooks and error handlers stay as they are; its body parsers never see the API's requests.
   *
   * Throws `validation_error`.
   */
  fastifyPlugin<Req extends FastifyRequestLike = FastifyRequestLike>(
    options?: FastifyPluginOptions<Req>,
  ): FastifyPlugin {
    const adapterAt = (prefix: string) =>
      new RestAdapter(this.#tenant, this.#authenticate, { ...options, ...(prefix && { prefix }) });
    adapterAt("");
    return createFastifyPlugin(adapterAt);
  }

  /**
   * A middleware that lets only users pass to the routes behind it: puts `{userId, sessionId, tenantId, orgId, role,
   * mfaVerified}` into `request.auth`, or answers as the REST API does, 401 with `WWW-Authenticate: Bearer` for want of
   * a good access token. When the store cannot be asked the answer is 5xx: nobody passes.
   *
   * Throws `validation_error`.
   */
  requireAuth<Req extends NodeRequest = NodeRequest>(options?: RequireAuthOptions): Middleware<Req> {
    return createAuthMiddleware<Req>(this.#createGuard(options));
  }

  /** {@link requireAuth} as a hook: `fastify.addHook("onRequest", hj.fastifyAuth())`, or on single routes. */
  fastifyAuth(options?: RequireAuthOptions): FastifyHook {
    return createFastifyAuth(this.#createGuard(options));
  }

  /**
   * {@link requireAuth} for hosts of the Fetch API: who calls, or the `Response` to answer with; null for an anonymous
   * request that may pass. A refusal is a `Response` and therefore truthy: test with `instanceof Response`.
   *
   * Rejects with `validation_error` for bad options only.
   */
  async authorize(
    request: Request,
    options?: RequireAuthOptions & { optional?: false | undefined },
  ): Promise<RequestAuth | Response>;
  async authorize(request: Request, options?: RequireAuthOptions): Promise<RequestAuth | Response | null>;
  async authorize(request: Request, options?: RequireAuthOptions): Promise<RequestAuth | Response | null> {
    return authorizeRequest(this.#createGuard(options), request);
  }

  /** Counts the tenant's sessions. */
  async stats(): Promise<Stats> {
    const wire = await callAsync<{
      sessions: Stats["sessions"];
      created_last_24h: number;
      database_bytes: number;
      oldest_unswept_at: number | null;
    }>(this.#tenant.stats());
    return {
      sessions: wire.sessions,
      createdLast24h: wire.created_last_24h,
      databaseBytes: wire.database_bytes,
      oldestUnsweptAt: toDate(wire.oldest_unswept_at),
    };
  }

  /** Writes down the ends of sessions that the clock has ended: how many. It changes no answer. */
  async sweep(): Promise<{ stamped: number }> {
    return callAsync(this.#tenant.sweep());
  }

  /**
   * Deletes the records of sessions that ended longer ago than a duration, or before a `Date`: how many.
   *
   * Rejects with `validation_error`.
   */
  async purge(options: { olderThan: Duration | Date }): Promise<{ purged: number }> {
    const olderThan = readRequiredMembers("options", options, ["olderThan"]).get("olderThan");
    if (olderThan === undefined || olderThan === null) throw validationError("olderThan", "is required");
    const before = isDate(olderThan)
      ? JSON.stringify({ before: readTime("olderThan", olderThan) })
      : toRequestJson(new Map([["olderThan", olderThan]]), { olderThan: "older_than" });
    return callAsync(this.#tenant.purge(before));
  }

  /**
   * Changes the tenant's secret key. No session and no token is touched. This object goes on; every other one, here and
   * in other processes, rejects with `invalid_api_key` from its next call.
   *
   * Rejects with `validation_error`.
   */
  async changeSecretKey(newKey: string): Promise<void> {
    await callAsync(this.#tenant.changeSecretKey(readText("newKey", newKey)));
  }

  /**
   * Lets time go back to the clock after a false jump forward, in every process on the database. What the false time had
   * ended stays ended.
   */
  async lowerClockMark(): Promise<void> {
    await callAsync(this.#tenant.lowerClockMark());
  }

  /**
   * Closes the engine: calls that are at work are finished, later ones reject with `engine_closed`. Closing again does
   * nothing.
   */
  close(): Promise<void> {
    this.#closing ??= callAsync<null>(this.#tenant.close()).then(() => undefined);
    return this.#closing;
  }

  /** {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #createGuard(options: unknown): AuthGuard {
    return new AuthGuard(this.#restAdapter.options.rest, options);
  }

  #refuseIfClosed(): void {
    if (this.#closing) throw new HelloJohnError("engine_closed", "the engine was closed");
  }
}

function localVerification(accessToken: unknown, options: unknown): [string, string] {
  const presented = readToken("token", accessToken);
  return [presented, toRequestJson(readMembers("options", options, Object.keys(VERIFY)), VERIFY)];
}
