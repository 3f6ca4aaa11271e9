// The REST API mounted in real frameworks on real sockets. Each host also has `/me` behind an auth guard, and a page of its own.
import { createServer } from "node:http";
import { serve } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import { makeTenant, TENANT } from "./fixture.mjs";

export const ADA = { email: "ada@example.com", password: "correct horse" };
export const SECRET = { authorization: `Bearer ${TENANT.secretKey}` };

/** Makes a tenant in memory that Ada can sign in to. */
export function makeTenantWithAda(t, options = {}) {
  return makeTenant(t, {
    authenticate: async ({ email, password }) =>
      email === ADA.email && password === ADA.password ? { userId: "usr_ada", role: "admin" } : null,
    ...options,
  });
}

/** Listens on a free port until the test ends; resolves to the base address. */
export async function listen(t, server) {
  await new Promise((settle, reject) => server.once("error", reject).listen(0, "127.0.0.1", settle));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((settle) => server.close(settle));
  });
  return `http://127.0.0.1:${server.address().port}`;
}

function onExpress(framework) {
  return async (t, hj, { guard, ...options } = {}) => {
    const app = framework();
    app.use(hj.middleware(options));
    app.get("/me", hj.requireAuth(guard), (request, response) => response.json(request.auth));
    app.get("/", (_, response) => response.send("home"));
    return listen(t, createServer(app));
  };
}

/** By name: mounts the API with options (`guard`: those of the auth guard) and resolves to the base address. */
export const HOSTS = {
  "node:http": async (t, hj, { guard, ...options } = {}) => {
    const [api, requireAuth] = [hj.middleware(options), hj.requireAuth(guard)];
    const server = createServer((request, response) => {
      if (request.url === "/") return response.end("home");
      if (!/^\/me(\?|$)/.test(request.url)) return api(request, response);
      requireAuth(request, response, () => response.end(JSON.stringify(request.auth)));
    });
    return listen(t, server);
  },
  "express 5": onExpress(express),
  "express 4": onExpress(express4),
  "fastify 5": async (t, hj, { guard, prefix, ...options } = {}) => {
    const app = fastify();
    app.register(hj.fastifyPlugin(options), { prefix });
    app.get("/me", { onRequest: hj.fastifyAuth(guard) }, async (request) => request.auth ?? "null");
    app.get("/", async () => "home");
    const base = await app.listen({ port: 0, host: "127.0.0.1" });
    t.after(() => {
      app.server.closeAllConnections();
      return app.close();
    });
    return base;
  },
  hono: async (t, hj, { guard, ...options } = {}) => {
    const handler = hj.createHandler({
      clientAddress: (_, connection) => connection.remote.address,
      ...options,
    });
    const app = new Hono();
    app.get("/", (c) => c.text("home"));
    app.get("/me", async (c) => {
      const auth = await hj.authorize(c.req.raw, guard);
      return auth instanceof Response ? auth : c.json(auth);
    });
    app.all("*", (c) => handler(c.req.raw, getConnInfo(c)));
    return serveFetch(t, app.fetch);
  },
};

/** Serves a function of the Fetch API over a real socket until the test ends; resolves to the base address. */
export function serveFetch(t, fetch) {
  return new Promise((settle) => {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
      settle(`http://127.0.0.1:${port}`),
    );
    t.after(() => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    });
  });
}

/** Defines one test for each host. */
export function inEveryHost(test, name, body) {
  for (const [host, mount] of Object.entries(HOSTS)) test(`${name}: ${host}`, (t) => body(t, mount, host));
}

/** Sends a request with JSON; resolves to status, headers and JSON. */
export async function call(base, method, path, { json, headers, ...rest } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { ...(json !== undefined && { "content-type": "application/json" }), ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    ...rest,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text && /json/.test(response.headers.get("content-type")) ? JSON.parse(text) : null,
  };
}

export const signIn = async (base, headers) =>
  (await call(base, "POST", "/v1/auth/sign-in", { json: ADA, headers })).body;
