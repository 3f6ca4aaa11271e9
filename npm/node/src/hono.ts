/**
 * Hono: a middleware that sets `c.var.auth`, typed.
 *
 * @example
 * ```ts
 * import { requireAuth, restApi } from "@hellojohn/node/hono";
 *
 * app.all("/v1/*", restApi(hj));
 * app.get("/me", requireAuth(hj), (c) => c.json(c.var.auth));
 * app.post("/transfer", requireAuth(hj, { role: "admin", mfa: true, maxAge: "5m" }), transfer);
 * ```
 */
import type { Context, Handler, MiddlewareHandler } from "hono";
import type { HelloJohn } from "./hellojohn";
import type { Auth, RequireAuthOptions } from "./rest/auth_guard";
import type { HandlerOptions } from "./rest/fetch";

/** What the middleware adds to the context. */
export interface AuthEnv<User = Auth> {
  Variables: { auth: User };
}

/**
 * A middleware that lets only users pass who are signed in as the options require, and puts them into `c.var.auth`; with
 * `optional`, null for an anonymous request. With `cookie.access` it renews cookies on the way.
 *
 * @throws HelloJohnError `validation_error`.
 */
export function requireAuth(
  hj: HelloJohn,
  options?: RequireAuthOptions<Request> & { optional?: false | undefined },
): MiddlewareHandler<AuthEnv>;
export function requireAuth(
  hj: HelloJohn,
  options: RequireAuthOptions<Request>,
): MiddlewareHandler<AuthEnv<Auth | null>>;
export function requireAuth(hj: HelloJohn, options?: RequireAuthOptions<Request>): MiddlewareHandler {
  const authorize = hj.pageGuard<Request>(options);
  return async (c, next) => {
    const { auth, response, headers } = await authorize(c.req.raw);
    if (response) return response;
    c.set("auth", auth);
    await next();
    if (headers.length > 0) {
      // The route may have answered with a response of its own, whose headers may be fixed, as those of a redirect are.
      const answer = new Response(c.res.body, c.res);
      for (const [name, value] of headers) {
        if (name === "set-cookie") answer.headers.append(name, value);
        else answer.headers.set(name, value); // `no-store`, whatever the route says: a cache would hand the cookies on
      }
      c.res = undefined; // else Hono merges the headers of the two
      c.res = answer;
    }
    return undefined;
  };
}

/**
 * The REST API as a handler. `clientAddress` gets the request and the context, such as `(_, c) => getConnInfo(c).remote.address`.
 *
 * @throws HelloJohnError `validation_error`.
 */
export function restApi(hj: HelloJohn, options?: HandlerOptions<Context>): Handler {
  const handler = hj.createHandler<Context>(options);
  return (c) => handler(c.req.raw, c);
}
