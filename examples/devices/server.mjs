// The server of the devices app: the REST API of the engine below /auth, and the page.
//
//   make node && node examples/devices/server.mjs sessions.db localhost:8788
//
// Open http://localhost:8788 in two browsers and sign in with ada@example.com and "correct horse" in both.
import { AsyncLocalStorage } from "node:async_hooks";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { HelloJohn } from "@hellojohn/node";
import { build } from "esbuild";
import express from "express";

const FOLDER = new URL("./", import.meta.url);

/** No script, style or picture but the app's own; no page may frame it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

// The application's users; a real application reads its user table and checks a password hash.
const USERS = new Map([
  ["ada@example.com", { password: "correct horse", userId: "usr_ada" }],
  ["bob@example.com", { password: "battery staple", userId: "usr_bob" }],
]);

/** The country of the request that is being answered, by the header of the CDN in front of the server, if there is one. */
const country = new AsyncLocalStorage();

/** Checks the credentials of a sign-in, for `new HelloJohn({ authenticate })`. */
export function authenticate({ email, password }) {
  const user = USERS.get(email.toLowerCase());
  if (user?.password !== password) return null;
  return { userId: user.userId, email, country: country.getStore() };
}

/** Makes the Express app for a tenant. */
export async function createApp(hj) {
  const files = await bundle();
  const app = express();
  app.disable("x-powered-by");
  app.use((request, response, next) => {
    response.set({
      "content-security-policy": POLICY,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    const code = request.get("cf-ipcountry") ?? "";
    country.run(/^[A-Z]{2}$/.test(code) && code !== "XX" ? code : null, next);
  });
  // The page needs no more than a user's own calls: the routes of the secret key stay away from the web.
  app.use("/auth", hj.middleware({ cookie: true, admin: false }));
  for (const [path, type, text] of files) app.get(path, (_, response) => response.type(type).send(text));
  return app;
}

/** What browsers load: the page, and one file each of script and style. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("app.jsx", FOLDER))],
    outdir: "/",
    bundle: true,
    minify: true,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  const built = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const read = (name) => readFile(new URL(name, FOLDER), "utf8");
  return [
    ["/", "html", await read("index.html")],
    ["/theme.js", "js", await read("theme.js")],
    ["/favicon.svg", "svg", await read("favicon.svg")],
    ["/app.js", "js", built(".js")],
    ["/app.css", "css", built(".css")],
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [database = "sessions.db", address = "localhost:8788"] = process.argv.slice(2);
  const hj = new HelloJohn({
    tenantId: "tnt_01HABCDEF654321",
    secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
    database,
    authenticate,
  });
  await hj.ready();
  const { hostname, port } = new URL(`http://${address}`);
  const server = (await createApp(hj)).listen(Number(port || 80), hostname, () =>
    console.log(`listening on http://${hostname}:${server.address().port}`),
  );
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      server.close(() => hj.close());
      server.closeIdleConnections();
    });
  }
}
