/**
 * Fastify: types `request.auth` as the guards set it. Absent on a route without a guard, null for an anonymous request that may pass.
 *
 * @example
 * ```ts
 * import { authOf, requireAuth } from "@hellojohn/node/fastify";
 *
 * app.register(hj.fastifyPlugin());
 * app.get("/me", { onRequest: requireAuth(hj) }, async (request) => authOf(request));
 * app.post("/transfer", { onRequest: requireAuth(hj, { role: "admin", mfa: true, maxAge: "5m" }) }, transfer);
 * ```
 */
import type {} from "fastify";
import type { HelloJohn } from "./hellojohn";
import type { Auth, RequireAuthOptions } from "./rest/auth_guard";
import type { FastifyHook, FastifyRequestLike } from "./rest/fastify";

export { authOf } from "./rest/auth_of";

declare module "fastify" {
  interface FastifyRequest {
    auth?: Auth | null;
  }
}

/**
 * A hook that lets only users pass who are signed in as the options require, and puts them into `request.auth`. With
 * `cookie.access` it renews cookies on the way.
 *
 * @throws HelloJohnError `validation_error`.
 */
export function requireAuth(hj: HelloJohn, options?: RequireAuthOptions<FastifyRequestLike>): FastifyHook {
  return hj.fastifyAuth(options);
}
