/**
 * Express: types `request.auth` as the guards set it. Absent on a route without a guard, null for an anonymous request that may pass.
 *
 * @example
 * ```ts
 * import { authOf, requireAuth } from "@hellojohn/node/express";
 *
 * app.use(hj.middleware());
 * app.get("/me", requireAuth(hj), (request, response) => response.json(authOf(request)));
 * app.post("/transfer", requireAuth(hj, { role: "admin", mfa: true, maxAge: "5m" }), transfer);
 * ```
 */
import type { HelloJohn } from "./hellojohn";
import type { Auth, RequireAuthOptions } from "./rest/auth_guard";
import type { Middleware, NodeRequest } from "./rest/node_http";

export { authOf } from "./rest/auth_of";

declare global {
  namespace Express {
    interface Request {
      auth?: Auth | null;
    }
  }
}

/**
 * A middleware that lets only users pass who are signed in as the options require, and puts them into `request.auth`. With
 * `cookie.access` it renews cookies on the way.
 *
 * @throws HelloJohnError `validation_error`.
 */
export function requireAuth<Req extends NodeRequest = NodeRequest>(
  hj: HelloJohn,
  options?: RequireAuthOptions<Req>,
): Middleware<Req> {
  return hj.requireAuth(options);
}
