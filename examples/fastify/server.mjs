// Pages that a Fastify server renders for signed-in users, by cookies alone.
//
//   make node && node examples/fastify/server.mjs sessions.db localhost:8787
import { authOf, requireAuth } from "@hellojohn/node/fastify";
import fastify from "fastify";
import { account, closeOnSignal, home, open, readAddress } from "../pages.mjs";

const { database, hostname, port } = readAddress();
const hj = open(database);
const app = fastify();

app.register(hj.fastifyPlugin());
// Fastify reads JSON only; the form of this page has no fields.
app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, async () => null);
app.addHook("preHandler", async (_, reply) => {
  reply.type("text/html; charset=utf-8");
});
app.get("/", { onRequest: requireAuth(hj, { optional: true }) }, async ({ auth }) => home(auth));
app.get("/account", { onRequest: requireAuth(hj) }, async (request) => {
  const auth = authOf(request);
  return account(auth, await hj.sessions.list(auth.userId, { status: "active" }));
});
// A plain form may send this: the guard lets it pass from pages of this host only.
app.post(
  "/account/revoke-others",
  { onRequest: requireAuth(hj, { refuseActor: true }) },
  async (request, reply) => {
    const { userId, sessionId } = authOf(request);
    await hj.sessions.revokeAll(userId, { except: sessionId });
    return reply.redirect("/account", 303);
  },
);
app.get(
  "/admin",
  { onRequest: requireAuth(hj, { role: "admin", mfa: true, maxAge: "5m" }) },
  async () => "for admins who have just passed a second factor",
);

await app.listen({ port, host: hostname });
console.log(`listening on http://${hostname}:${app.server.address().port}`);
closeOnSignal(async () => {
  await app.close();
  await hj.close();
});
