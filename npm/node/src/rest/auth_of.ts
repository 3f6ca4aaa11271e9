import { HelloJohnError } from "../errors";
import type { Auth } from "./auth_guard";

/**
 * The user of a request behind `requireAuth`. Throws `internal` where no guard stands in front or an anonymous request has passed it:
 * a mistake of the host's, which must not become a page for no user.
 */
export function authOf(request: { auth?: Auth | null }): Auth {
  if (request.auth) return request.auth;
  throw new HelloJohnError("internal", "the request has no user: put requireAuth in front of this route");
}
