// Runs before every page: renews the cookies of a user whose access token has expired. Next 15 calls this file `middleware.js`, and wants
// `runtime: "nodejs"` in its config.
export { proxy } from "./lib/auth.js";

export const config = { matcher: ["/((?!_next/|icon.svg).*)"] };
