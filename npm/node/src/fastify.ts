/**
 * Types `request.auth` of Fastify, as `hj.fastifyAuth()` sets it: `import "@hellojohn/node/fastify"`. Absent on a route
 * without the guard, null for an anonymous request that may pass.
 */
import type {} from "fastify";
import type { Auth } from "./rest/authorize";

declare module "fastify" {
  interface FastifyRequest {
    auth?: Auth | null;
  }
}
