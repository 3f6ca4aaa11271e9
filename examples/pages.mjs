// What the pages of the examples for Express, Fastify, Hono and Nest share: the engine with an access cookie, and plain HTML. They need no
// script: the browser sends the cookies by itself, the server renews them on the way.
import { HelloJohn } from "@hellojohn/node";

// The application's users; a real application reads its user table and checks a password hash.
const users = new Map([
  ["ada@example.com", { password: "correct horse", userId: "usr_ada", role: "admin" }],
  ["bob@example.com", { password: "battery staple", userId: "usr_bob", role: "member" }],
]);

/** Opens the engine. Browsers other than Chrome and Firefox keep `Secure` cookies of HTTPS only, so that development goes without. */
export function open(database) {
  return new HelloJohn({
    tenantId: "tnt_01HABCDEF654321",
    secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
    database,
    // A page whose first byte takes longer than this could end its session when it is opened twice.
    config: { accessTokenTtl: process.env.ACCESS_TOKEN_TTL ?? "15m", refreshReuseWindow: "60s" },
    rest: { cookie: { access: true, secure: process.env.NODE_ENV === "production" } },
    authenticate: ({ email, password }) => {
      const user = users.get(email);
      return user?.password === password ? { userId: user.userId, role: user.role, factors: ["pwd"] } : null;
    },
  });
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (character) => ESCAPES[character]);

const layout = (body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Account</title><main>${body}</main></html>`;

/** The page for a user, or for a visitor. The sign-in sends JSON, as the REST API takes it. */
export const home = (auth) =>
  layout(
    auth
      ? `<p>Signed in as ${escapeHtml(auth.userId)}.</p><p><a href="/account">Your account</a></p>`
      : `<p>You are not signed in.</p>`,
  );

/** The page of a user: their sessions. */
export const account = (auth, sessions) =>
  layout(
    `<h1>${escapeHtml(auth.userId)}</h1><ul>${sessions
      .map(
        ({ id, deviceType }) =>
          `<li>${escapeHtml(deviceType)} ${id === auth.sessionId ? "(this one)" : ""}</li>`,
      )
      .join("")}</ul>`,
  );

/** `HOST:PORT` of the command line. */
export function readAddress() {
  const [database = "sessions.db", address = "localhost:8787"] = process.argv.slice(2);
  const { hostname, port } = new URL(`http://${address}`);
  return { database, hostname, port: Number(port || 80) };
}

/** Ends the program in order when it is told to. */
export function closeOnSignal(close) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void close());
}
