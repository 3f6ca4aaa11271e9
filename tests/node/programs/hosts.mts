// Compiled, never run: the REST API against the frameworks' own types.
import { createServer } from "node:http";
import { HelloJohn, type OnError } from "@hellojohn/node";
import "@hellojohn/node/express";
import "@hellojohn/node/fastify";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";

const hj = new HelloJohn({ tenantId: "tnt_a", secretKey: "sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R" });
const onError: OnError = (error, { requestId }) => console.error(requestId, error.code);

const app = express();
app.use(hj.middleware({ cookie: true, onError }));
app.use("/auth", hj.middleware<express.Request>({ clientAddress: (request) => request.ip }));
app.get("/me", hj.requireAuth({ verify: "local", optional: true }), (request, response) => {
  const role: string | null | undefined = request.auth?.role;
  response.json({ ...request.auth, role });
});

createServer(hj.middleware({ cookie: { sameSite: "strict", allowedOrigins: ["https://a.example"] } }));

const instance = fastify();
instance.register(hj.fastifyPlugin({ longestRequestedSession: "30d" }), { prefix: "/auth" });
instance.addHook("onRequest", hj.fastifyAuth());
instance.get("/me", { onRequest: hj.fastifyAuth() }, async (request) => request.auth?.userId);

const hono = new Hono();
hono.all("/v1/*", (c) => hj.handler(c.req.raw));
hono.get("/me", async (c) => {
  const auth = await hj.authorize(c.req.raw);
  return auth instanceof Response ? auth : c.json(auth.userId);
});

// The way Next.js calls a route.
type Route = (request: Request, context: { params: Promise<{ path: string[] }> }) => Promise<Response>;
export const GET: Route = hj.handler;
export const POST: Route = hj.createHandler({ prefix: "/api", clientAddress: () => null });

hj.createHandler({
  cookie: { partitioned: true, allowedOrigins: ["capacitor://localhost"], former: [{ domain: "a.example" }] },
  mountPath: "/docs",
  admin: false,
  trailingSlash: true,
});
hj.requireAuth<express.Request>({ token: (request) => String(request.query["access_token"]) });
hj.authorize(new Request("http://a/"), { token: (request) => new URL(request.url).searchParams.get("t") });

// @ts-expect-error no such way
hj.middleware({ cookie: { sameSite: "some" } });
// @ts-expect-error no such way to verify
hj.requireAuth({ verify: "remote" });
