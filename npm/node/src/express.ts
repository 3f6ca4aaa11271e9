/**
 * Types `request.auth` of Express, as `hj.requireAuth()` sets it: `import "@hellojohn/node/express"`. Absent on a route
 * without the guard, null for an anonymous request that may pass.
 */
import type { Auth } from "./rest/authorize";

declare global {
  namespace Express {
    interface Request {
      auth?: Auth | null;
    }
  }
}
