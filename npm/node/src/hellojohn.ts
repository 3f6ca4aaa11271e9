/// <reference lib="esnext.disposable" preserve="true" />

import { env } from "node:process";
import { ActorScope } from "./actor";
import { Auth, type Authenticate } from "./auth";
import { type ManualClock, toNativeClock } from "./clock";
import { ConfigApi, toWireConfigPatch } from "./config";
import { engineError, HelloJohnError, validationError } from "./errors";
import { Events } from "./events";
import type * as types from "./generated/types";
import * as wire from "./generated/wire";
import { callBudget, isOnlyCheck } from "./internal/event_loop_budget";
import { addon, callAsync, callInlineOrAsync, completionQueue, unwrap } from "./internal/native";
import type { NativeTenant, Rest } from "./internal/native_types";
import {
  copyJson,
  readMembers,
  readOptionalBoolean,
  readOptionalText,
  readRequiredMembers,
  readText,
  readToken,
  readWholeNumber,
  toRequestJson,
} from "./internal/validate";
import { type Jwks, Keys } from "./keys";
import {
  changeSecretKey,
  maintainBySelf,
  type PurgeOptions,
  purge,
  rotateRefreshKey,
  sweep,
} from "./maintenance";
import {
  copyInterval,
  copySignInLimit,
  type HelloJohnOptions,
  OPTIONS,
  type VerifyTokenOptions,
} from "./options";
import { RestAdapter } from "./rest/adapter";
import {
  AuthGuard,
  type Auth as RequestAuth,
  type RequireAuthOptions,
  type WireAuth,
} from "./rest/auth_guard";
import { authorizePage, authorizeRequest, createAuthMiddleware, type PageAuth } from "./rest/authorize";
import {
  createFastifyAuth,
  createFastifyPlugin,
  type FastifyHook,
  type FastifyPlugin,
  type FastifyPluginOptions,
  type FastifyRequestLike,
} from "./rest/fastify";
import { createFetchHandler, type Handler, type HandlerOptions } from "./rest/fetch";
import { KnownUsers } from "./rest/known_users";
import {
  createMiddleware,
  type Middleware,
  type MiddlewareOptions,
  type NodeRequest,
} from "./rest/node_http";
import { REST_OPTIONS } from "./rest/options";
import { Sessions } from "./sessions";
import { countSessions, type StatsOptions, type StatsSeries } from "./stats";
import { type AccessTokenClaims, type TokenVerification, Verifier } from "./verification";
import type { Webhook, WebhookOptions } from "./webhooks";

const VERIFY = { audience: "audience", clockSkewSeconds: "leeway_s" } as const;

/**
 * The sessions of one tenant in one database.
 *
 * The constructor checks its options and throws `validation_error`; it opens nothing. The first call opens the database,
 * off the event loop, and every call waits for that: it rejects with `invalid_api_key` or a `storage_…` code if the
 * opening fails, and a later call tries again. `await hj.ready()` opens the database at a time of your choice: after
 * `process.setuid`, if you call that, because an engine may open its file again later.
 *
 * Objects that open one file, or the same URL, with the same `issuer`, `durability`, `tokenCacheCapacity` and `clock` share one
 * engine (its connections, caches and commits), whatever their tenant and thread; others on the same database have an engine of
 * their own and see each other's writes at once.
 *
 * An open engine does not keep the process alive; an unanswered call does. Close the object when you are done with it. An
 * object that was not closed is released by the garbage collector, at an unknown time, or when its thread or the process
 * ends, also by `process.exit`. A process that a signal ends, without a handler, leaves the log `…-wal` beside the database:
 * the log belongs to the data until the database is opened again.
 *
 * @example
 * ```js
 * const hj = new HelloJohn({ tenantId: "tnt_acme", secretKey: process.env.HELLOJOHN_SECRET_KEY });
 * const { accessToken, refreshToken } = await hj.sessions.create({ userId: "usr_1" });
 * const { valid, payload } = await hj.verifyTokenRemote(accessToken);
 * await hj.close();
 * ```
 */
export class HelloJohn {
  /** Creates, refreshes, lists, revokes and verifies sessions. */
  readonly sessions: Sessions;
  /** Signs users in, by the host's own check of credentials, and out. */
  readonly auth: Auth;
  /** The tenant's settings. */
  readonly config: ConfigApi;
  /** The tenant's signing keys. */
  readonly keys: Keys;
  /** What happened, while the setting `eventRetention` is set. */
  readonly events: Events;
  /** The REST API for hosts of the Fetch API (Hono, Next's route handlers, …): {@link createHandler} without options. */
  readonly handler: (request: Request) => Promise<Response>;
  readonly #tenant: NativeTenant;
  readonly #verifier: Verifier;
  readonly #authenticate: Authenticate | null;
  readonly #restDefaults: ReadonlyMap<string, unknown>;
  /** Authorizes the requests of the host's own routes. */
  readonly #guard: Rest;
  readonly #knownUsers: KnownUsers<WireAuth>;
  readonly #endMaintenance: () => void;
  #closing: Promise<void> | null = null;

  /** Opens nothing yet. @throws HelloJohnError `validation_error` naming the option. */
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
      addon.tokenCacheCapacityMax(),
    );
    const tokenCacheBytes = readWholeNumber(
      "tokenCacheBytes",
      found.get("tokenCacheBytes"),
      Number.MAX_SAFE_INTEGER,
    );
    const database = readOptionalText("database", found.get("database"));
    const settings = {
      tenant_id: readText("tenantId", found.get("tenantId")),
      database: database ?? (env["HELLOJOHN_DATABASE"] || "hellojohn.db"),
      issuer: readOptionalText("issuer", found.get("issuer")),
      busy_timeout: copyJson("busyTimeout", found.get("busyTimeout") ?? null),
      durability: readOptionalText("durability", found.get("durability")),
      file_access: readOptionalText("fileAccess", found.get("fileAccess")),
      token_cache_capacity: tokenCacheCapacity,
      token_cache_bytes: tokenCacheBytes,
      max_clock_jump: copyJson("maxClockJump", found.get("maxClockJump") ?? null),
      sign_in_limit: copySignInLimit(found.get("signInLimit")),
      allow_network_file_system: readOptionalBoolean(
        "allowNetworkFileSystem",
        found.get("allowNetworkFileSystem"),
      ),
      events: readOptionalText("events", found.get("events")),
      verify: readOptionalText("verify", found.get("verify")),
      maintenance_interval: copyInterval(found.get("maintenanceInterval")),
      config: config === undefined || config === null ? null : toWireConfigPatch("config", config),
    };
    const secretKey = readText("secretKey", found.get("secretKey"));
    const native = clock === undefined || clock === null ? null : toNativeClock(clock);
    const tenant = new addon.NativeTenant(completionQueue, JSON.stringify(settings), secretKey, native);
    const refusal = tenant.refusal();
    if (refusal?.code) throw engineError(refusal.code, refusal.text);
    this.#tenant = tenant;
    this.#endMaintenance = maintainBySelf(tenant, native !== null);
    const answerCacheMax = addon.answerCacheMax();
    const cacheLimits = {
      answers: Math.min(tokenCacheCapacity ?? answerCacheMax, answerCacheMax),
      // A third each for answers about tokens, about sessions and about requests.
      bytes: (tokenCacheBytes ?? addon.tokenCacheBytesDefault()) / 3,
    };
    this.#verifier = new Verifier(tenant, settings.tenant_id, cacheLimits);
    this.#knownUsers = new KnownUsers(tenant, settings.tenant_id, cacheLimits);
    this.#authenticate = authenticate as Authenticate | null;
    this.sessions = new Sessions(tenant, this.#verifier);
    this.auth = new Auth(tenant, this.#authenticate, () => this.#refuseIfClosed());
    this.config = new ConfigApi(tenant);
    this.keys = new Keys(tenant);
    this.events = new Events(tenant);
    this.#restDefaults = readMembers("rest", found.get("rest"), REST_OPTIONS);
    const adapter = this.#createAdapter(undefined, false);
    this.handler = createFetchHandler(adapter);
    this.#guard = adapter.options.rest;
  }

  /**
   * The same tenant for changes that this actor makes, 1 to 255 bytes: the events of every change through the returned object
   * name the actor.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * await hj.withActor("admin:ada").sessions.revoke(session.id);
   * ```
   */
  withActor(actor: string): ActorScope {
    const tenant = this.#tenant.withActor(readText("actor", actor));
    const refusal = tenant.refusal();
    if (refusal?.code) throw engineError(refusal.code, refusal.text);
    return new ActorScope(tenant, {
      sessions: new Sessions(tenant, this.#verifier),
      auth: new Auth(tenant, this.#authenticate, () => this.#refuseIfClosed()),
      config: new ConfigApi(tenant),
      keys: new Keys(tenant),
    });
  }

  /**
   * Posts each event to a URL in the form of Standard Webhooks (https://www.standardwebhooks.com), one after another, at least
   * once; the header `webhook-id` is the event's id, by which a receiver knows an event that comes twice. The position is kept in
   * the database, and one process at a time posts to a URL, as for {@link Events.consume}. A post that is not answered with a
   * status from 200 to 299 is made again after 1 s, 4 s, 16 s and so on up to an hour, or when `Retry-After` says, for three
   * days; redirects 307 and 308 are followed. A status of 410 ends the webhook.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * const webhook = hj.webhooks({
   *   url: "https://example.com/hooks/hellojohn",
   *   secret: process.env.WEBHOOK_SECRET,
   *   types: ["session.ended"],
   * });
   * webhook.ended.then((why) => console.error("webhook", why, webhook.lastFailure));
   * ```
   */
  webhooks(options: WebhookOptions): Webhook {
    this.#refuseIfClosed();
    // Needs Node's modules for HTTP, which take longer to load than all of this package.
    const webhooks = require("./webhooks") as typeof import("./webhooks");
    return new webhooks.Webhook(this.#tenant, options);
  }

  /**
   * Opens the engine now.
   *
   * @throws HelloJohnError `invalid_api_key` or a `storage_…` code.
   */
  async ready(): Promise<void> {
    await callAsync(this.#tenant.ready());
  }

  /**
   * Verifies an access token by signature and claims only, and resolves to its claims. The token is accepted until its
   * `exp`, even after its session was revoked; see {@link verifyTokenRemote}.
   *
   * @throws HelloJohnError `missing_token`, `invalid_token`, `token_expired`, `validation_error`.
   *
   * @example
   * ```js
   * const { sub, role } = await hj.verifyToken(accessToken, { clockSkewSeconds: 5 });
   * ```
   */
  async verifyToken(accessToken: string, options?: VerifyTokenOptions): Promise<AccessTokenClaims> {
    const [presented, expected] = readLocalVerification(accessToken, options);
    const inline = isOnlyCheck();
    return callInlineOrAsync(() =>
      inline
        ? this.#tenant.verifyLocallyInline(presented, expected)
        : this.#tenant.verifyLocally(presented, expected),
    );
  }

  /**
   * {@link verifyToken} without a promise. If the engine is not open yet, this call opens it and blocks the thread for that
   * (some 20 ms, in the worst case 5 s): `await hj.ready()` first.
   *
   * @throws HelloJohnError what {@link verifyToken} rejects with.
   *
   * @example
   * ```js
   * const { sub } = hj.verifyTokenSync(accessToken);
   * ```
   */
  verifyTokenSync(accessToken: string, options?: VerifyTokenOptions): AccessTokenClaims {
    const [presented, expected] = readLocalVerification(accessToken, options);
    return unwrap(this.#tenant.verifyLocallySync(presented, expected));
  }

  /**
   * Verifies an access token and its session in the store. A session is refused from the instant that the call which ended
   * it returned, in every thread and every process on the database. The answer has the session's role, organisation, second
   * factor and claims as they are now, and `outdated: true` for a token that was issued before they changed last.
   *
   * Never rejects for a bad token, of any type; rejects with `engine_closed`, `invalid_api_key` or a `storage_…` code when
   * the store cannot be read.
   *
   * @example
   * ```js
   * const { valid, role, error } = await hj.verifyTokenRemote(accessToken);
   * if (!valid) return reply.code(401).send({ error: error.code });
   * if (role !== "admin") return reply.code(403).send();
   * ```
   */
  async verifyTokenRemote(accessToken: string): Promise<TokenVerification> {
    const pause = callBudget.yieldIfSpent();
    if (pause) await pause;
    return this.#verifier.cachedVerification(accessToken) ?? this.#verifier.verifyToken(accessToken);
  }

  /** The tenant's public keys. */
  async jwks(): Promise<Jwks> {
    return callAsync(this.#tenant.jwks());
  }

  /**
   * The sessions that ended while access tokens of them may still be alive, as a signed list for verifiers that do not ask the
   * engine, such as `createVerifier` of `@hellojohn/client`: what was added after the number `since`, or the list from its
   * beginning for 0 (the default) and for a number that is not known. One call looks at no more than 1,000 entries: while
   * `hasMore` is true, ask again with `seq`.
   *
   * @throws HelloJohnError `validation_error` while the setting `revocationList` is false.
   *
   * @example
   * ```js
   * await hj.config.update({ revocationList: true });
   * const { list, seq } = await hj.revocations();
   * const { list: added } = await hj.revocations({ since: seq });
   * ```
   */
  async revocations(options?: { since?: number | null | undefined }): Promise<types.RevocationList> {
    const asked = readMembers("options", options, ["since"]).get("since");
    const since = readWholeNumber("since", asked, Number.MAX_SAFE_INTEGER) ?? 0;
    return wire.toRevocationList(await callAsync<wire.WireRevocationList>(this.#tenant.revocations(since)));
  }

  /**
   * The REST API as a function of the Fetch API. Sign-in is offered when `authenticate` was given. Every failure is an
   * answer: the function never rejects.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * // Next.js, app/api/[...path]/route.js
   * const handler = hj.createHandler({ prefix: "/api" });
   * export { handler as GET, handler as POST, handler as PATCH, handler as DELETE };
   * ```
   */
  createHandler<Context = unknown>(options?: HandlerOptions<Context>): Handler<Context> {
    return createFetchHandler(this.#createAdapter(options, true)) as Handler<Context>;
  }

  /**
   * The REST API as a middleware of Express and Connect, and as a listener of `node:http`: `app.use(hj.middleware())`,
   * `createServer(hj.middleware())`. Requests for other paths than the API's go to `next`; without one they get 404.
   *
   * Mount it before body parsers: it reads the body itself, at most 64 KB. Behind a parser it takes `rawBody` (or a
   * `body` of bytes or text) if the parser kept it; else it writes the parsed `body` as JSON again, and can no longer
   * refuse what the parser dropped, such as duplicate names.
   *
   * @throws HelloJohnError `validation_error`.
   */
  middleware<Req extends NodeRequest = NodeRequest>(options?: MiddlewareOptions<Req>): Middleware<Req> {
    return createMiddleware<Req>(this.#createAdapter(options, false));
  }

  /**
   * The REST API as a plugin of Fastify: `fastify.register(hj.fastifyPlugin(), { prefix: "/auth" })`, with any prefix. The
   * host's hooks and error handlers stay as they are; its body parsers never see the API's requests.
   *
   * @throws HelloJohnError `validation_error`.
   */
  fastifyPlugin<Req extends FastifyRequestLike = FastifyRequestLike>(
    options?: FastifyPluginOptions<Req>,
  ): FastifyPlugin {
    const adapterAt = (prefix: string | null) =>
      this.#createAdapter({ ...options, ...(prefix && { prefix }) }, prefix !== null);
    adapterAt(null); // throws here for what no prefix can mend
    return createFastifyPlugin(adapterAt);
  }

  /**
   * A middleware that guards the routes behind it: it puts `{userId, sessionId, tenantId, orgId, role, mfaVerified,
   * claims, authTime, factors, actorUserId,
   * outdated}` into `request.auth`, as the session has them now, or answers as the REST API does, with 401 and
   * `WWW-Authenticate: Bearer` when the request has no good access token. When the store cannot be read, every request is
   * answered with 5xx. A CORS preflight, in which browsers send no token, is answered with 204 and no header: what answers preflights
   * belongs in front.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * app.get("/me", hj.requireAuth(), (request, response) => response.json(request.auth));
   * app.post("/transfer", hj.requireAuth({ maxAge: "5m", factors: ["otp"] }), transfer);
   * ```
   */
  requireAuth<Req extends NodeRequest = NodeRequest>(options?: RequireAuthOptions<Req>): Middleware<Req> {
    return createAuthMiddleware<Req>(this.#createGuard(options));
  }

  /** {@link requireAuth} as a hook of Fastify: `fastify.addHook("onRequest", hj.fastifyAuth())`, or on single routes. */
  fastifyAuth(options?: RequireAuthOptions<FastifyRequestLike>): FastifyHook {
    return createFastifyAuth(this.#createGuard(options));
  }

  /**
   * {@link requireAuth} for hosts of the Fetch API, and for a request of `node:http` that has no response, such as the
   * upgrade of a WebSocket: resolves to the user of the request, or to the `Response` to answer with (a refusal; 204 for a CORS
   * preflight); with `optional` to null for an anonymous request. A `Response` is truthy: test with `instanceof Response`.
   *
   * @throws HelloJohnError `validation_error` for bad options only.
   *
   * @example
   * ```js
   * const auth = await hj.authorize(request);
   * if (auth instanceof Response) return auth;
   * ```
   */
  async authorize<Req extends Request | NodeRequest>(
    request: Req,
    options?: RequireAuthOptions<Req> & { optional?: false | undefined },
  ): Promise<RequestAuth | Response>;
  /** With `optional`: null for a request without a token. */
  async authorize<Req extends Request | NodeRequest>(
    request: Req,
    options?: RequireAuthOptions<Req>,
  ): Promise<RequestAuth | Response | null>;
  async authorize<Req extends Request | NodeRequest>(
    request: Req,
    options?: RequireAuthOptions<Req>,
  ): Promise<RequestAuth | Response | null> {
    return authorizeRequest(this.#createGuard(options), request);
  }

  /**
   * {@link authorize} for a host that sends cookies with its response: with `cookie.access` in the option `rest`, the cookies of a page
   * whose access token has expired are renewed by the refresh cookie. Append `headers` to the response, whatever it is; a host that
   * loses them signs its users out.
   *
   * @throws HelloJohnError `validation_error` for bad options only.
   *
   * @example
   * ```js
   * const { auth, response, headers } = await hj.authorizePage(request);
   * if (response) return response;
   * return new Response(render(auth), { headers });
   * ```
   */
  async authorizePage<Req extends Request | NodeRequest>(
    request: Req,
    options?: RequireAuthOptions<Req>,
  ): Promise<PageAuth> {
    return this.pageGuard<Req>(options)(request);
  }

  /** {@link authorizePage} with options that are checked once: throws `validation_error` for bad ones. The function never rejects. */
  pageGuard<Req extends Request | NodeRequest>(
    options?: RequireAuthOptions<Req>,
  ): (request: Req) => Promise<PageAuth> {
    const guard = this.#createGuard(options);
    return (request) => authorizePage(guard, request);
  }

  /**
   * Counts the tenant's sessions. Each is looked at, 1,000 in one read transaction: the counts of a large tenant are of
   * slightly different instants. With `series`, the same walk tells what happened in each hour of the last 24 or each day of
   * the last 30; a session whose record was purged is in none of these periods.
   *
   * @example
   * ```js
   * const { series } = await hj.stats({ series: "24h" });
   * ```
   */
  async stats(options?: { series?: undefined }): Promise<types.Stats>;
  /** With `series`: also what happened in each hour or day. */
  async stats(options: { series: types.SeriesSpan }): Promise<StatsSeries>;
  /** Either, as the options say. */
  async stats(options?: StatsOptions): Promise<types.Stats | StatsSeries>;
  async stats(options?: StatsOptions): Promise<types.Stats | StatsSeries> {
    return countSessions(this.#tenant, options);
  }

  /**
   * Does one bounded round of maintenance: records the ends of sessions that the clock has ended, deletes the records of
   * sessions that ended longer ago than `recordRetention`, seals events and deletes those that were sealed longer ago than
   * `eventRetention`, retires drained signing keys. It gives way to other calls. The object does so by itself
   * (`maintenanceInterval`); `hasMore` says whether another round has work at once.
   *
   * @example
   * ```js
   * while ((await hj.maintain()).hasMore);
   * ```
   */
  async maintain(): Promise<types.MaintenanceReport> {
    return wire.toMaintenanceReport(await callAsync<wire.WireMaintenanceReport>(this.#tenant.maintain()));
  }

  /**
   * Records the ends of sessions that the clock has ended, and resolves to how many. No other call's answer depends on it.
   */
  async sweep(): Promise<{ stamped: number }> {
    return sweep(this.#tenant);
  }

  /**
   * Deletes the records of sessions that ended longer ago than a duration, or before a `Date`, and resolves to how many.
   *
   * @throws HelloJohnError `validation_error`.
   *
   * @example
   * ```js
   * await hj.purge({ olderThan: "90d" });
   * ```
   */
  async purge(options: PurgeOptions): Promise<{ purged: number }> {
    return purge(this.#tenant, options);
  }

  /**
   * Changes the tenant's secret key. Sessions and tokens stay as they are. This object keeps working; every other object of
   * the tenant, here and in other processes, rejects with `invalid_api_key` from its next call. What the former key opened is
   * taken out of the database's files; while a long read holds the log, that waits for the next sweep, purge or change of keys.
   *
   * @throws HelloJohnError `validation_error`: also for a key of fewer than 22 characters after its prefix, unless the database is in
   * memory.
   *
   * @example
   * ```js
   * await hj.changeSecretKey(`sk_live_${randomBytes(16).toString("hex")}`);
   * ```
   */
  async changeSecretKey(newKey: string): Promise<void> {
    await changeSecretKey(this.#tenant, newKey);
  }

  /**
   * Replaces the key behind refresh tokens: every refresh token that was issued before is `refresh_token_invalid` from now
   * on, in every process, and every cursor of a list is refused. No session ends, and access tokens stay good until they
   * expire; then their users sign in again.
   *
   * With the secret key and a copy of the file a thief can make tokens of every session.
   *
   * @example
   * ```js
   * // After such a leak, in this order:
   * await hj.changeSecretKey(newKey);
   * await hj.rotateRefreshKey();
   * const stolen = (await hj.keys.list()).filter(({ state }) => state !== "retired");
   * for (const { kid, state } of stolen) if (state !== "active") await hj.keys.retire(kid);
   * await hj.keys.rotate();
   * for (const { kid, state } of stolen) if (state === "active") await hj.keys.retire(kid);
   * await hj.sessions.revokeTenant();
   * ```
   */
  async rotateRefreshKey(): Promise<void> {
    await rotateRefreshKey(this.#tenant);
  }

  /**
   * Lets the engine's time go back to the clock after a false jump forward, in every process on the database. Sessions that
   * the false time had ended stay ended.
   */
  async lowerClockMark(): Promise<void> {
    await callAsync(this.#tenant.lowerClockMark());
  }

  /**
   * Closes this object: running calls are finished, later ones reject with `engine_closed`. Closing again does nothing. With
   * the last object on a file the file is released, and the log's content is in the database file.
   */
  close(): Promise<void> {
    this.#endMaintenance();
    if (!this.#closing) this.#verifier.finish();
    this.#closing ??= callAsync<null>(this.#tenant.close()).then(() => undefined);
    return this.#closing;
  }

  /** {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #createGuard(options: unknown): AuthGuard {
    return new AuthGuard(this.#guard, this.#knownUsers, options);
  }

  #createAdapter(options: unknown, isMounted: boolean): RestAdapter {
    return new RestAdapter(this.#tenant, this.#authenticate, options, this.#restDefaults, isMounted);
  }

  #refuseIfClosed(): void {
    if (this.#closing) throw new HelloJohnError("engine_closed", "the engine was closed");
  }
}

function readLocalVerification(accessToken: unknown, options: unknown): [string, string] {
  const presented = readToken("token", accessToken);
  return [presented, toRequestJson(readMembers("options", options, Object.keys(VERIFY)), VERIFY)];
}
