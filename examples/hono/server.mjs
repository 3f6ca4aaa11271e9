// Pages that a Hono server renders for signed-in users, by cookies alone.
//
//   make node && node examples/hono/server.mjs sessions.db localhost:8787
import { requireAuth, restApi } from "@hellojohn/node/hono";
import { serve } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import { account, closeOnSignal, home, open, readAddress } from "../pages.mjs";

const { database, hostname, port } = readAddress();
const hj = open(database);
const app = new Hono();
const api = restApi(hj, { clientAddress: (_, c) => getConnInfo(c).remote.address });

app.all("/v1/*", api);
app.get("/.well-known/jwks.json", api);
app.get("/", requireAuth(hj, { optional: true }), (c) => c.html(home(c.var.auth)));
app.get("/account", requireAuth(hj), async (c) => {
  const { auth } = c.var;
  return c.html(account(auth, await hj.sessions.list(auth.userId, { status: "active" })));
});
// A plain form may send this: the guard lets it pass from pages of this host only.
app.post("/account/revoke-others", requireAuth(hj, { refuseActor: true }), async (c) => {
  const { userId, sessionId } = c.var.auth;
  await hj.sessions.revokeAll(userId, { except: sessionId });
  return c.redirect("/account", 303);
});
app.get("/admin", requireAuth(hj, { role: "admin", mfa: true, maxAge: "5m" }), (c) =>
  c.html("for admins who have just passed a second factor"),
);

const server = serve({ fetch: app.fetch, port, hostname }, (address) =>
  console.log(`listening on http://${hostname}:${address.port}`),
);
closeOnSignal(() => {
  server.close(() => hj.close());
  server.closeIdleConnections();
});
