// Servers on the loopback device under names of the web, and a browser that finds them.
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { join } from "node:path";
import { HelloJohn } from "@hellojohn/node";
import { chromium } from "playwright-core";

const ACCOUNTS = { "ada@app.test": "usr_ada", "eve@app.test": "usr_eve" };
export const PASSWORD = "correct horse";

/** A tenant in memory, in which every account has the same password. */
export function makeTenant(t) {
  const hj = new HelloJohn({
    tenantId: "tnt_browser",
    secretKey: "sk_test_browser_7Hq2Zk9Wm4Xc1Vb8",
    database: ":memory:",
    authenticate: ({ email, password }) =>
      password === PASSWORD && ACCOUNTS[email] ? { userId: ACCOUNTS[email] } : null,
  });
  t.after(() => hj.close());
  return hj;
}

/**
 * Serves the API with these options and, under every host name, blank pages. `/set?cookie=…` sets cookies as that host;
 * `/frame?of=…` shows a page in a frame. Resolves to the port and to an emitter of the status of each answer, by method and path.
 */
export async function serve(t, hj, options, { tls = true } = {}) {
  const api = hj.middleware(options);
  const answers = new EventEmitter();
  const listener = (request, response) => {
    const url = new URL(request.url, "https://host.test");
    response.on("finish", () => answers.emit(`${request.method} ${url.pathname}`, response.statusCode));
    api(request, response, () => {
      response.setHeader("content-type", "text/html");
      response.setHeader("set-cookie", url.searchParams.getAll("cookie"));
      const of = url.searchParams.get("of");
      response.end(of ? `<iframe src="${of}"></iframe>` : "<p>blank</p>");
    });
  };
  const read = (name) => readFileSync(join(process.env["HJ_TLS"], name));
  const server = tls
    ? createHttpsServer({ key: read("key.pem"), cert: read("certificate.pem") }, listener)
    : createHttpServer(listener);
  await new Promise((settle) => server.listen(0, "127.0.0.1", settle));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((settle) => server.close(settle));
  });
  const { port } = server.address();
  const at = (host, path = "/") => `${tls ? "https" : "http"}://${host}:${port}${path}`;
  return { at, answers };
}

const CHROMIUM = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
  ],
  // Users have it; without it, pages are never shown again from the browser's memory.
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
};

/** Chromium, for which every name below `.test` is this machine. */
export function launch() {
  return chromium.launch(CHROMIUM);
}

/** The same with a profile in this folder. */
export function launchProfile(folder, args = []) {
  return chromium.launchPersistentContext(folder, {
    ...CHROMIUM,
    args: [...CHROMIUM.args, ...args],
    ignoreHTTPSErrors: true,
  });
}

/** Sends a request to the API as a script of the page (or frame) does; resolves to its status and JSON. */
export function post(page, path, body = {}) {
  return page.evaluate(
    async ([path, body]) => {
      const response = await fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, body: text && JSON.parse(text) };
    },
    [path, body],
  );
}

export const signIn = (page, email = "ada@app.test") =>
  post(page, "/v1/auth/sign-in", { email, password: PASSWORD });
export const refresh = (page) => post(page, "/v1/auth/token/refresh");
export const signOut = (page) => post(page, "/v1/auth/sign-out");
