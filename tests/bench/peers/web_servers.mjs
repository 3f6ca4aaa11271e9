import express from "express";
import fastify from "fastify";

export const about = {
  name: "Express and Fastify",
  packages: ["express", "fastify", "autocannon"],
  lacks: "hosts, not peers: the bare route asks no request who it comes from",
};

/**
 * A way to let requests pass: `check` calls `settle` with the user, or with nothing. Or the gate of a package that has its own for
 * each host.
 *
 * @typedef {object} Gate
 * @property {(request: object, response: object, settle: (userId?: string) => void) => void} [check]
 * @property {Function} [middleware] of Express
 * @property {Function} [hook] of Fastify
 */

/** One route behind a gate, on a free port, which answers with the user. @type {Record<string, (gate: Gate) => Promise<number>>} */
export const SERVERS = {
  async Express({ check, middleware }) {
    const app = express();
    const asked = (request, response, next) =>
      check(request, response, (userId) => {
        if (userId === undefined) return response.status(401).end();
        request.auth = { userId };
        next();
      });
    const gates = [middleware ?? (check && asked)].filter(Boolean);
    app.get("/", ...gates, ({ auth }, response) => response.json({ userId: auth?.userId ?? "usr_none" }));
    const server = await new Promise((settle) => {
      const listening = app.listen(0, "127.0.0.1", () => settle(listening));
    });
    return server.address().port;
  },
  async Fastify({ check, hook }) {
    const app = fastify();
    const asked = (request, reply, done) =>
      check(request.raw, reply.raw, (userId) => {
        if (userId === undefined) return reply.code(401).send();
        request.auth = { userId };
        done();
      });
    const onRequest = hook ?? (check && asked);
    app.get("/", { ...(onRequest && { onRequest }) }, (request, reply) => {
      reply.send({ userId: request.auth?.userId ?? "usr_none" });
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server.address().port;
  },
};
