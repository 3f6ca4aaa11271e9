// Pages that an Express server renders for signed-in users, by cookies alone.
//
//   make node && node examples/express/server.mjs sessions.db localhost:8787
import { authOf, requireAuth } from "@hellojohn/node/express";
import express from "express";
import { account, closeOnSignal, home, open, readAddress } from "../pages.mjs";

const { database, hostname, port } = readAddress();
const hj = open(database);
const app = express();

app.use(hj.middleware());
app.get("/", requireAuth(hj, { optional: true }), (request, response) => {
  response.send(home(request.auth));
});
app.get("/account", requireAuth(hj), async (request, response) => {
  const auth = authOf(request);
  response.send(account(auth, await hj.sessions.list(auth.userId, { status: "active" })));
});
// A plain form may send this: the guard lets it pass from pages of this host only.
app.post("/account/revoke-others", requireAuth(hj, { refuseActor: true }), async (request, response) => {
  const { userId, sessionId } = authOf(request);
  await hj.sessions.revokeAll(userId, { except: sessionId });
  response.redirect(303, "/account");
});
app.get("/admin", requireAuth(hj, { role: "admin", mfa: true, maxAge: "5m" }), (_, response) => {
  response.send("for admins who have just passed a second factor");
});

const server = app.listen(port, hostname, () =>
  console.log(`listening on http://${hostname}:${server.address().port}`),
);
closeOnSignal(() => {
  server.close(() => hj.close());
  server.closeIdleConnections();
});
