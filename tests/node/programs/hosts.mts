// Compiled, never run: the REST API against the frameworks' own types.
import { createServer } from "node:http";
import { type Auth, HelloJohn, type OnError } from "@hellojohn/node";
import { authOf, requireAuth as requireOnExpress } from "@hellojohn/node/express";
import { requireAuth as requireOnFastify } from "@hellojohn/node/fastify";
import { requireAuth as requireOnHono, restApi } from "@hellojohn/node/hono";
import { createNestAuth } from "@hellojohn/node/nest";
import { createNextAuth } from "@hellojohn/node/next";
import * as nest from "@nestjs/common";
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

// Pages by cookies.
const pages = new HelloJohn({
  tenantId: "tnt_a",
  secretKey: "sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R",
  rest: { cookie: { access: { name: "__Host-pages" }, sameSite: "strict" } },
});
app.post(
  "/transfer",
  requireOnExpress(pages, { role: "admin", mfa: true, maxAge: "5m" }),
  (request, response) => {
    const { userId }: { userId: string } = authOf(request);
    response.json(userId);
  },
);
instance.post(
  "/transfer",
  { onRequest: requireOnFastify(pages, { role: "admin", factors: ["otp"] }) },
  async (request) => request.auth?.userId,
);
hono.get("/account", requireOnHono(pages), (c) => c.text(c.var.auth.userId));
hono.get("/", requireOnHono(pages, { optional: true }), (c) => c.text(c.var.auth?.userId ?? "visitor"));
// @ts-expect-error an anonymous request has no user
hono.get("/", requireOnHono(pages, { optional: true }), (c) => c.text(c.var.auth.userId));
hono.all("/v1/*", restApi(pages, { clientAddress: (_, c) => c.req.header("x-real-ip") }));
// @ts-expect-error a role is a text
requireOnExpress(pages, { role: ["admin"] });
const page = await pages.authorizePage(new Request("http://a/"));
const userOfPage: string | undefined = page.auth?.userId;
new Response(userOfPage ?? null, { headers: page.headers });

const { AuthGuard, CurrentAuth, RequireAuth } = createNestAuth(pages, nest);
@nest.Controller("account")
@nest.UseGuards(AuthGuard())
export class AccountController {
  @nest.Post()
  @RequireAuth({ role: "admin", mfa: true, maxAge: "5m" })
  show(@CurrentAuth() auth: Auth): string {
    return auth.userId;
  }
}

// Next's own functions have these types.
declare const next: {
  headers(): Promise<Headers>;
  cookies(): Promise<{ set(...values: [name: string, value: string, cookie?: { maxAge?: number }]): object }>;
  NextResponse: { next(init?: { request?: { headers?: Headers } }): Response };
};
const nextAuth = createNextAuth(pages, { ...next, prefix: "/api" });
const userOfNext: string | undefined = (await nextAuth.auth({ role: "admin" }))?.userId;
// @ts-expect-error a page is for one user or none: ask for the null
nextAuth.auth({ optional: true });
console.log(userOfNext);
