import { addon } from "../internal/native";
import type { RestAdapter, RestAnswer } from "./adapter";
import type { Auth, AuthGuard } from "./auth_guard";
import {
  keepFromCaches,
  type NodeRequest,
  type NodeResponse,
  readNodeRequest,
  readRawHeaders,
} from "./node_http";
import type { RestOptions } from "./options";

/** The members of a request of Fastify that are used. */
export interface FastifyRequestLike {
  raw: NodeRequest;
}

/** The members of a reply that are used. */
export interface FastifyReplyLike {
  raw: Pick<NodeResponse, "setHeader" | "writeHead">;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body?: unknown): unknown;
}

/** A hook of Fastify, such as `onRequest` or `preHandler`. */
export type FastifyHook = (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>;

/** The members of an instance of Fastify that are used. */
export interface FastifyInstanceLike {
  readonly prefix: string;
  addHook(name: "onRequest", hook: FastifyHook): unknown;
  all(path: string, handler: FastifyHook): unknown;
}

/** A plugin for `fastify.register`, whose `prefix` is the mount path. */
export type FastifyPlugin = (instance: FastifyInstanceLike) => Promise<void>;

/** How `hj.fastifyPlugin` offers the REST API. */
export interface FastifyPluginOptions<Req extends FastifyRequestLike = FastifyRequestLike>
  extends Omit<RestOptions, "prefix"> {
  /**
   * The client's address; default: the address of the socket. Behind a proxy, use what that proxy sets, such as
   * `request.ip` with `trustProxy`.
   */
  clientAddress?: ((request: Req) => string | null | undefined) | undefined;
}

/** @internal */
export function createFastifyPlugin(adapterAt: (prefix: string) => RestAdapter): FastifyPlugin {
  return async (instance) => {
    const adapter = adapterAt(instance.prefix.replace(/\/+$/, ""));
    // Before Fastify parses the body: the API itself decides which bodies it accepts.
    const hook: FastifyHook = async (request, reply) =>
      sendReply(reply, await adapter.answer(() => readNodeRequest(adapter, request.raw, request)));
    instance.addHook("onRequest", hook);
    if (adapter.options.dashboard) {
      for (const path of ["/dashboard", "/dashboard/*"]) instance.all(path, hook);
    }
    for (const path of addon.restPaths()) {
      if (path.includes("{session_id}/")) continue; // within `/v1/sessions/*`
      const isForId = path.endsWith("{session_id}");
      // `/v1/sessions/*` has `/v1/sessions/` too.
      const hasSlash = path === "/v1/sessions";
      instance.all(isForId ? path.replace(/\{session_id\}$/, "*") : path, hook);
      if (adapter.options.trailingSlash && !isForId && !hasSlash) instance.all(`${path}/`, hook);
    }
  };
}

/** @internal */
export function createFastifyAuth(guard: AuthGuard): FastifyHook {
  const check: FastifyHook = async (request, reply) => {
    const { raw } = request;
    const found = await guard.check(raw.method ?? "GET", readRawHeaders(raw), request, true);
    if (found.refusal) return sendReply(reply, found.refusal);
    addReplyHeaders(reply, found.headers);
    (request as { auth?: Auth | null }).auth = found.auth;
    return undefined;
  };
  // Fastify passes a third argument, and takes a hook that calls it or one that returns a promise. A host may call the hook itself.
  const hook = (request: FastifyRequestLike, reply: FastifyReplyLike, done?: () => void) => {
    const { raw } = request;
    const auth = guard.recall(raw.method ?? "GET", raw.rawHeaders);
    if (!auth) return check(request, reply);
    (request as { auth?: Auth | null }).auth = auth;
    return done ? done() : Promise.resolve();
  };
  return hook as FastifyHook;
}

function sendReply(reply: FastifyReplyLike, { status, headers, body }: RestAnswer): FastifyReplyLike {
  reply.code(status);
  addReplyHeaders(reply, headers);
  reply.send(body === "" ? undefined : body);
  return reply;
}

/**
 * Adds headers, names and values in turn. Fastify appends a cookie to those that are set already.
 * @internal
 */
export function addReplyHeaders(reply: FastifyReplyLike, headers: readonly string[]): void {
  if (headers.includes("set-cookie")) keepFromCaches(reply.raw);
  for (let at = 0; at + 1 < headers.length; at += 2) reply.header(headers[at] ?? "", headers[at + 1] ?? "");
}
