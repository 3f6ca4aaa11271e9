// An application as its developers write it: Express with the API and a guarded route, and a page with the client.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HelloJohn, ManualClock } from "@hellojohn/node";
import { build } from "esbuild";
import express from "express";

export const PASSWORD = "correct horse";
const HOST = "app.example.test";
const REFRESH = "/auth/v1/auth/token/refresh";

/** Bundles a module for a page, as a web application does. */
export async function bundle(contents, options = {}) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "jsx" },
    bundle: true,
    format: "esm",
    jsx: "automatic",
    write: false,
    logLevel: "silent",
    ...options,
  });
  return outputFiles[0].text;
}

export const CLIENT_PAGE = `
  import { createClient } from "@hellojohn/client";
  globalThis.client = createClient({ baseUrl: "/auth" });
  globalThis.states = [];
  client.onChange(({ status, error }) => states.push([status, error?.code ?? null]));`;

/** Serves the page with this script. */
export async function openApp(t, script, { config, html = "<p>blank</p>" } = {}) {
  const clock = new ManualClock(Date.now());
  const hj = new HelloJohn({
    tenantId: "tnt_browser",
    secretKey: "sk_test_browser_7Hq2Zk9Wm4Xc1Vb8",
    database: ":memory:",
    clock,
    config,
    authenticate: ({ email, password }) =>
      password === PASSWORD ? { userId: `usr_${email.split("@")[0]}`, email } : null,
  });
  t.after(() => hj.close());
  const app = new App(hj, clock);
  const read = (name) => readFileSync(join(process.env["HJ_TLS"], name));
  const server = createServer(
    { key: read("key.pem"), cert: read("certificate.pem") },
    app.listener(script, html),
  );
  await new Promise((settle) => server.listen(0, "127.0.0.1", settle));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((settle) => server.close(settle));
  });
  app.origin = `https://${HOST}:${server.address().port}`;
  return app;
}

class App {
  /** Requests that reached the API, by path. */
  #counts = new Map();
  /** How many of the next answers to a refresh are lost on their way. */
  losses = 0;
  #held = null;

  constructor(hj, clock) {
    Object.assign(this, { hj, clock });
  }

  listener(script, html) {
    const { hj } = this;
    const app = express();
    app.use((request, response, next) => {
      this.#counts.set(request.path, this.count(request.path) + 1);
      if (request.path !== REFRESH) return next();
      if (this.losses > 0) {
        this.losses -= 1;
        response.end = () => request.socket.destroy();
      }
      if (!this.#held) return next();
      this.#held.arrived();
      this.#held.released.then(() => next());
    });
    app.use("/auth", hj.middleware({ cookie: true }));
    app.get("/me", hj.requireAuth(), (request, response) => response.json({ user: request.auth.userId }));
    app.get("/page.js", (_, response) => response.type("js").send(script));
    app.get(["/", "/elsewhere"], (request, response) => {
      const module = request.path === "/" ? '<script type="module" src="/page.js"></script>' : "";
      response.send(
        `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>App</title>${html}${module}`,
      );
    });
    return app;
  }

  count(path) {
    return this.#counts.get(path) ?? 0;
  }

  get refreshes() {
    return this.count(REFRESH);
  }

  /** Holds refreshes back from now on. Resolves `arrived` with the first one; `release` lets them go on. */
  holdRefreshes() {
    const held = {};
    held.hasArrived = new Promise((settle) => {
      held.arrived = settle;
    });
    held.released = new Promise((settle) => {
      held.release = () => {
        this.#held = null;
        settle();
      };
    });
    this.#held = held;
    return held;
  }

  /** Opens the page in a tab and waits until it knows whether a user is signed in. */
  async open(context, path = "/") {
    const page = await context.newPage();
    await page.goto(this.origin + path);
    await page.waitForFunction(() => globalThis.client?.state.status !== "loading");
    return page;
  }
}

export const signIn = (page, email = "ada@app.test") =>
  page.evaluate(([email, password]) => client.signIn({ email, password }), [email, PASSWORD]);

export const status = (page) => page.evaluate(() => client.state.status);

export const becomes = (page, wanted) =>
  page.waitForFunction((wanted) => client.state.status === wanted, wanted);

/** Asks the guarded route as the page does: the status and the user, or the code of the error. */
export const me = (page) =>
  page.evaluate(() =>
    client.fetch("/me").then(
      async (response) => [response.status, (await response.json()).user],
      (error) => [error.code ?? error.name],
    ),
  );
