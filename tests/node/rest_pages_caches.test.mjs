// A response that renews cookies is kept by no cache, whatever the route behind the guard says.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { ManualClock } from "@hellojohn/node";
import { requireAuth as requireOnExpress } from "@hellojohn/node/express";
import { requireAuth as requireOnFastify } from "@hellojohn/node/fastify";
import express from "express";
import fastify from "fastify";
import { makeTenant, START } from "./fixture.mjs";
import { listen } from "./hosts.mjs";
import { COOKIE, cookiesOf, HOUR, OWN, send } from "./pages.mjs";

const PUBLIC = "public, max-age=60";

/** Ways in which a route of node:http and Express says that its response may be kept. */
const WAYS = {
  setHeader: (response) => response.setHeader("Cache-Control", PUBLIC).end("ok"),
  "writeHead with an object": (response) => response.writeHead(200, { "Cache-Control": PUBLIC }).end("ok"),
  "writeHead with a reason": (response) =>
    response.writeHead(200, "Fine", { "cache-control": PUBLIC }).end("ok"),
  "writeHead with names and values in turn": (response) =>
    response.writeHead(200, ["X-Page", "1", "Cache-Control", PUBLIC]).end("ok"),
};

async function mountOnExpress(t, hj, way) {
  const app = express();
  app.get("/news", requireOnExpress(hj, { optional: true }), (_, response) => way(response));
  return listen(t, createServer(app));
}

async function mountOnFastify(t, hj) {
  const app = fastify();
  app.get("/news", { onRequest: requireOnFastify(hj, { optional: true }) }, async (_, reply) =>
    reply.header("Cache-Control", PUBLIC).send("ok"),
  );
  const base = await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => {
    app.server.closeAllConnections();
    return app.close();
  });
  return base;
}

const HOSTS = Object.fromEntries(
  Object.entries(WAYS).map(([name, way]) => [`express, ${name}`, (t, hj) => mountOnExpress(t, hj, way)]),
);
HOSTS.fastify = mountOnFastify;

for (const [name, mount] of Object.entries(HOSTS)) {
  test(`no cache keeps a response that renews cookies: ${name}`, async (t) => {
    const clock = new ManualClock(START);
    const hj = makeTenant(t, { clock, rest: { cookie: COOKIE } });
    const grant = await hj.sessions.create({ userId: "usr_ada" });
    clock.advance(2 * HOUR);
    const cookie = cookiesOf([grant.accessToken], [grant.refreshToken]);
    const base = await mount(t, hj);
    for (const [headers, expected] of [
      [{ ...OWN, cookie }, [2, "no-store"]],
      [OWN, [0, PUBLIC]],
    ]) {
      const answer = await send(base, "GET", headers, "/news");
      const cookies = answer.headers["set-cookie"] ?? [];
      assert.deepEqual([answer.text, cookies.length, answer.headers["cache-control"]], ["ok", ...expected]);
    }
  });
}
