// Runs before every page: renews the cookies of a user whose access token has expired. Next 15 calls this file `middleware.js`, and wants
// `export { proxy as middleware }` and `runtime: "nodejs"` in its config (15.5 or later).
export { proxy } from "./lib/auth.js";

export const config = { matcher: ["/((?!_next/|icon.svg).*)"] };
