// Frameworks whose route `/account`, of any method, answers with the user of the request, by the packages for each framework.
import { createServer } from "node:http";
import "reflect-metadata";
import { authOf, requireAuth as requireOnExpress } from "@hellojohn/node/express";
import { requireAuth as requireOnFastify } from "@hellojohn/node/fastify";
import { requireAuth as requireOnHono, restApi } from "@hellojohn/node/hono";
import { createNestAuth } from "@hellojohn/node/nest";
import * as nest from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { listen, serveFetch } from "./hosts.mjs";

const METHODS = ["GET", "HEAD", "POST", "DELETE"];
const PATH = "/account";

function mountOnHono(t, hj, guard) {
  const app = new Hono();
  app.all(PATH, requireOnHono(hj, guard), (c) => c.json(c.var.auth));
  app.all("/v1/*", restApi(hj));
  return serveFetch(t, app.fetch);
}

async function mountOnNest(t, hj, guard) {
  const { CurrentAuth, RequireAuth } = createNestAuth(hj, nest);
  class AccountController {
    show(auth) {
      return { auth };
    }
  }
  const { prototype } = AccountController;
  const method = Object.getOwnPropertyDescriptor(prototype, "show");
  // What TypeScript makes of decorators.
  nest.All(PATH)(prototype, "show", method);
  nest.HttpCode(200)(prototype, "show", method);
  RequireAuth(guard)(prototype, "show", method);
  CurrentAuth()(prototype, "show", 0);
  nest.Controller()(AccountController);
  class AppModule {}
  nest.Module({ controllers: [AccountController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false });
  app.use(hj.middleware());
  await app.listen(0, "127.0.0.1");
  t.after(() => {
    app.getHttpServer().closeAllConnections();
    return app.close();
  });
  return `http://127.0.0.1:${app.getHttpServer().address().port}`;
}

/** By name: mounts API and route with the options of a guard, and resolves to the base address. */
export const PAGE_HOSTS = {
  express: async (t, hj, guard) => {
    const app = express();
    app.use(hj.middleware());
    app.all(PATH, requireOnExpress(hj, guard), (request, response) =>
      response.json(guard?.optional ? request.auth : authOf(request)),
    );
    return listen(t, createServer(app));
  },
  fastify: async (t, hj, guard) => {
    const app = fastify();
    app.register(hj.fastifyPlugin());
    const onRequest = requireOnFastify(hj, guard);
    app.route({
      method: METHODS,
      url: PATH,
      onRequest,
      handler: async ({ auth }, reply) => reply.type("application/json").send(JSON.stringify(auth)),
    });
    const base = await app.listen({ port: 0, host: "127.0.0.1" });
    t.after(() => {
      app.server.closeAllConnections();
      return app.close();
    });
    return base;
  },
  hono: mountOnHono,
  nest: mountOnNest,
  "node:http": async (t, hj, guard) => {
    const api = hj.middleware();
    const server = createServer(async (request, response) => {
      if (request.url !== PATH) return api(request, response);
      const page = await hj.authorizePage(request, guard);
      for (const [name, value] of page.headers) response.appendHeader(name, value);
      if (!page.response) return response.end(JSON.stringify(page.auth));
      for (const [name, value] of page.response.headers) response.appendHeader(name, value);
      response.statusCode = page.response.status;
      response.end(await page.response.text());
    });
    return listen(t, server);
  },
};
