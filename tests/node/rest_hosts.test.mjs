// The REST API inside a host: its prefix, body parsers, proxy, other pages, other cookies and mistakes.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import * as http2 from "node:http2";
import { test } from "node:test";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { isFailure, makeFolder } from "./fixture.mjs";
import { ADA, call, HOSTS, inEveryHost, listen, makeTenantWithAda, SECRET, signIn } from "./hosts.mjs";

inEveryHost(test, "the API answers under its prefix only", async (t, mount) => {
  const base = await mount(t, makeTenantWithAda(t), { prefix: "/api/auth" });
  const grant = await signIn(`${base}/api/auth`);
  const { status } = await call(base, "GET", `/api/auth/v1/sessions/${grant.session_id}`, {
    headers: SECRET,
  });
  assert.equal(status, 200);
  for (const path of ["/v1/sessions", "/api/authv1/sessions", "/api/auth", "/other/v1/sessions"]) {
    assert.equal((await call(base, "GET", path, { headers: SECRET })).status, 404, path);
  }
  assert.equal((await call(base, "GET", "/")).text, "home");
});

for (const [name, framework] of [
  ["express 5", express],
  ["express 4", express4],
]) {
  test(`the API works under a path, behind parsers and beside other cookies: ${name}`, async (t) => {
    const hj = makeTenantWithAda(t);
    const app = framework();
    app.use((_, response, next) => {
      response.setHeader("set-cookie", "theirs=1");
      response.setHeader("access-control-allow-origin", "https://app.example");
      next();
    });
    const cookie = { path: "/auth/v1/auth" };
    app.use("/auth", hj.middleware({ cookie }));
    app.use("/parsed", framework.json(), framework.urlencoded({ extended: false }), hj.middleware());
    const keep = (request, _, bytes) => {
      request.rawBody = bytes;
    };
    app.use("/kept", framework.json({ verify: keep }), hj.middleware());
    app.use("/bytes", framework.raw({ type: "*/*", limit: "1mb" }), hj.middleware());
    const base = await listen(t, createServer(app));
    const answer = await call(base, "POST", "/auth/v1/auth/sign-in", { json: ADA });
    const [theirs, ours] = answer.headers.getSetCookie();
    assert.equal(theirs, "theirs=1");
    assert.match(ours, /^hj_refresh_token=rt_.*; Path=\/auth\/v1\/auth;/);
    assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");

    const twice = '{"email":"x","email":"ada@example.com","password":"correct horse"}';
    const post = async (at, body, type = "application/json") =>
      (await call(`${base}${at}`, "POST", "/v1/auth/sign-in", { body, headers: { "content-type": type } }))
        .status;
    for (const at of ["/parsed", "/kept", "/bytes"]) {
      assert.equal((await signIn(base + at)).session.user_id, "usr_ada", at);
      assert.equal((await call(base + at, "GET", "/v1/sessions", { headers: SECRET })).status, 200, at);
      assert.equal(await post(at, "email=a", "application/x-www-form-urlencoded"), 400, at);
    }
    // Duplicate names show only if the parser kept the bytes, as documented.
    assert.deepEqual([await post("/kept", twice), await post("/bytes", twice)], [400, 400]);
    assert.equal(await post("/parsed", twice), 200);
    assert.equal(await post("/bytes", `"${"x".repeat(70_000)}"`), 413);
  });
}

test("a body that other code has consumed is reported as the host's mistake", async (t) => {
  const failures = [];
  const hj = makeTenantWithAda(t);
  const api = hj.middleware({ onError: (error) => failures.push(error.detail) });
  const server = createServer((request, response) =>
    request.resume().on("end", () => api(request, response)),
  );
  const base = await listen(t, server);
  assert.equal((await call(base, "POST", "/v1/auth/sign-in", { json: ADA })).status, 500);
  assert.deepEqual(failures, ["something else has read the body of the request and kept nothing"]);
  assert.equal((await call(base, "GET", "/v1/sessions", { headers: SECRET })).status, 200);
});

inEveryHost(
  test,
  "the address is the socket's, never X-Forwarded-For's, unless the host gives another",
  async (t, mount) => {
    const hj = makeTenantWithAda(t);
    const forged = {
      "x-forwarded-for": "203.0.113.9",
      forwarded: "for=203.0.113.9",
      "x-real-ip": "203.0.113.9",
    };
    const address = async (options) =>
      (await signIn(await mount(t, hj, options), forged))?.session?.ip_address;
    assert.equal(await address({}), "127.0.0.1");
    const trusting = (request) => {
      const headers = request.headers instanceof Headers ? request.headers : (request.raw ?? request).headers;
      return headers instanceof Headers ? headers.get("x-real-ip") : headers["x-real-ip"];
    };
    assert.equal(await address({ clientAddress: trusting }), "203.0.113.9");
    for (const none of ["unknown", "", null, undefined, 7]) {
      assert.equal(await address({ clientAddress: () => none }), null);
    }
    const failures = [];
    const options = {
      clientAddress: () => {
        throw new Error("no proxy");
      },
      onError: (error) => failures.push([error.code, error.cause?.message]),
    };
    assert.equal(await address(options), undefined);
    assert.deepEqual(failures, [["internal", "no proxy"]]);
  },
);

inEveryHost(
  test,
  "a failure of authenticate is a plain 500, and only the host learns the reason",
  async (t, mount) => {
    let checkCredentials;
    const hj = makeTenantWithAda(t, { authenticate: () => checkCredentials() });
    let reports = 0;
    const failures = [];
    const base = await mount(t, hj, {
      onError: (error, { requestId }) => {
        failures.push([error, requestId]);
        reports += 1;
        if (reports % 2) throw new Error("ignored");
        return Promise.reject(new Error("ignored too"));
      },
    });
    const post = () => call(base, "POST", "/v1/auth/sign-in", { json: ADA });
    const cause = new Error("the password of root is hunter2");
    for (checkCredentials of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
      () => Promise.reject(undefined),
      () => true,
      () => ({}),
      () => ({ userId: "" }),
      () => ({ userId: 7 }),
      () => [],
      () => "usr_ada",
      () => ({
        get userId() {
          throw cause;
        },
      }),
      () => ({ userId: "u".repeat(256) }),
      () => ({ userId: "u", role: 7 }),
      () => ({ userId: "u", claims: { sub: "other" } }),
      () => ({ userId: "u", claims: { at: new Date() } }),
    ]) {
      const answer = await post();
      assert.deepEqual([answer.status, answer.body.error.code], [500, "internal"], String(checkCredentials));
      assert.doesNotMatch(answer.text, /hunter2|claims|userId|user_id|authenticate/);
      const [error, requestId] = failures.pop();
      isFailure("internal")(error);
      assert.equal(requestId, answer.body.error.request_id);
      assert.deepEqual(failures, []);
    }
    checkCredentials = () => Promise.reject(cause);
    await post();
    assert.equal(failures.pop()[0].cause, cause);
    // The client learns only that the credentials are wrong.
    for (const noUser of [null, undefined, false]) {
      checkCredentials = () => noUser;
      const answer = await post();
      assert.deepEqual([answer.status, answer.body.error.code], [401, "invalid_credentials"]);
    }
    assert.deepEqual((await hj.stats()).sessions, { active: 0, expired: 0, revoked: 0 });
  },
);

inEveryHost(test, "any object with a userId is a user, and what else it has is ignored", async (t, mount) => {
  class Account {
    #id = "usr_1";
    passwordHash = Buffer.from("x");
    get userId() {
      return this.#id;
    }
    get role() {
      return "admin";
    }
  }
  const row = Object.assign(Object.create(null), {
    id: 7n,
    userId: "usr_1",
    role: "admin",
    password_hash: new Uint8Array(3),
    created: new Date(),
    isAdmin: true,
    duration: "100y",
    ipAddress: "no address",
    orgId: null,
    claims: undefined,
  });
  let user;
  const hj = makeTenantWithAda(t, { authenticate: () => user });
  const base = await mount(t, hj);
  for (user of [new Account(), row, Object.freeze({ userId: "usr_1", role: "admin", refresh: () => 1 })]) {
    const { session } = await signIn(base);
    assert.deepEqual([session.user_id, session.role], ["usr_1", "admin"]);
    assert.equal((await hj.auth.signIn(ADA)).userId, "usr_1");
  }
  // The caller of signIn can mend what the caller gave, and nothing of what authenticate answers.
  await assert.rejects(
    hj.auth.signIn({ ...ADA, sessionOptions: { duration: "0d" } }),
    isFailure("validation_error"),
  );
  for (user of [
    { userId: "" },
    { userId: "u", country: "Germany" },
    { userId: "u", claims: { sub: "x" } },
    {},
  ]) {
    await assert.rejects(hj.auth.signIn(ADA), isFailure("internal", "the answer of authenticate is no user"));
  }
});

test("authenticate gets the client's credentials, and the client's address as the host sees it", async (t) => {
  let asked;
  const hj = makeTenantWithAda(t, {
    authenticate: (credentials) => {
      asked = credentials;
      return null;
    },
  });
  const base = await HOSTS["node:http"](t, hj);
  const sent = { ...ADA, code: "123456", ipAddress: "203.0.113.9", userAgent: "forged" };
  await call(base, "POST", "/v1/auth/sign-in", {
    json: { ...sent, session_options: { duration: "1h" } },
    headers: { "user-agent": "Browser/1" },
  });
  assert.deepEqual(asked, { ...ADA, code: "123456", ipAddress: "127.0.0.1", userAgent: "Browser/1" });
});

inEveryHost(
  test,
  "without authenticate there is no sign-in; a failing store is a 5xx without a reason",
  async (t, mount) => {
    const none = await mount(t, makeTenantWithAda(t, { authenticate: undefined }));
    const unoffered = await call(none, "POST", "/v1/auth/sign-in", { json: ADA });
    assert.deepEqual([unoffered.status, unoffered.body.error.code], [404, "not_found"]);

    const failures = [];
    const path = makeFolder(t);
    await makeTenantWithAda(t, { database: `${path}/a.db` }).ready();
    const onError = (error) => failures.push(error.code);
    const database = `${path}/a.db`;
    const wrongKey = await mount(t, makeTenantWithAda(t, { database, secretKey: "sk_wrong" }), { onError });
    const directory = await mount(t, makeTenantWithAda(t, { database: path }), { onError });
    const closed = makeTenantWithAda(t);
    const closedBase = await mount(t, closed, { onError });
    await closed.close();
    for (const [base, status, code, cause] of [
      [wrongKey, 500, "internal", "invalid_api_key"],
      [directory, 500, "storage_io", "storage_io"],
      [closedBase, 503, "engine_closed", "engine_closed"],
    ]) {
      const answer = await call(base, "GET", "/v1/sessions", { headers: SECRET });
      assert.deepEqual([answer.status, answer.body.error.code], [status, code]);
      assert.ok(!answer.text.includes(path));
      assert.equal(failures.pop(), cause);
    }
  },
);

test("a handler of the Fetch API copes with no host header, a body that was read and a stream that breaks", async (t) => {
  const hj = makeTenantWithAda(t);
  const { handler } = hj;
  const json = { "content-type": "application/json" };
  const url = "https://api.example/v1/auth/sign-in";
  const post = (options) =>
    handler(new Request(url, { method: "POST", headers: json, duplex: "half", ...options }));
  assert.equal((await post({ body: JSON.stringify(ADA) })).status, 200);
  const read = new Request(url, { method: "POST", headers: json, body: "{}" });
  await read.text();
  assert.equal((await handler(read)).status, 500);
  let pulled = 0;
  let cancelled = false;
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(10_000));
    },
    cancel() {
      cancelled = true;
    },
  });
  assert.equal((await post({ body: endless })).status, 413);
  assert.ok(pulled < 20 && cancelled);
  const broken = new ReadableStream({
    pull() {
      throw new Error("reset");
    },
  });
  assert.equal((await post({ body: broken })).status, 400);
  // The origin of the page is compared with the URL of the request.
  const cookies = hj.createHandler({ cookie: true });
  const from = async (origin) =>
    (
      await cookies(
        new Request(url, { method: "POST", headers: { ...json, origin }, body: JSON.stringify(ADA) }),
      )
    ).status;
  assert.deepEqual([await from("https://api.example"), await from("https://evil.example")], [200, 403]);
  // The way Next.js calls a route handler.
  assert.equal(
    (await hj.handler(new Request("https://a/.well-known/jwks.json"), { params: {} })).status,
    200,
  );
});

test("the middleware serves HTTP/2 through Node's compatible interface", async (t) => {
  const hj = makeTenantWithAda(t);
  const server = http2.createServer(hj.middleware({ cookie: true }));
  await new Promise((settle) => server.listen(0, "127.0.0.1", settle));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const client = http2.connect(origin);
  t.after(() => {
    client.close();
    server.close();
  });
  const stream = client.request({
    ":method": "POST",
    ":path": "/v1/auth/sign-in",
    "content-type": "application/json",
    origin,
  });
  stream.end(JSON.stringify(ADA));
  let headers;
  let text = "";
  stream.on("response", (found) => {
    headers = found;
  });
  for await (const chunk of stream) text += chunk;
  assert.equal(headers[":status"], 200, text);
  assert.match(headers["set-cookie"][0], /^__Host-hj_refresh=rt_/);
  assert.equal(JSON.parse(text).session.ip_address, "127.0.0.1");
});

test("Fastify's hooks see the API's answers, and its parsers do not see the API's requests", async (t) => {
  const hj = makeTenantWithAda(t);
  const app = fastify();
  const seen = [];
  app.addHook("onRequest", async (_, reply) => {
    reply.header("access-control-allow-origin", "https://app.example");
    reply.header("set-cookie", "theirs=1");
  });
  app.addHook("onResponse", async (request, reply) => seen.push([request.method, reply.statusCode]));
  app.addContentTypeParser("application/json", () => assert.fail("parsed"));
  app.register(hj.fastifyPlugin({ cookie: true }));
  app.register(hj.fastifyPlugin(), { prefix: "/second" });
  app.get("/v1/reports", async () => "mine");
  const base = await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  const answer = await call(base, "POST", "/v1/auth/sign-in", {
    json: ADA,
    headers: { connection: "close" },
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal(answer.headers.getSetCookie().length, 2);
  assert.equal((await signIn(`${base}/second`)).session.user_id, "usr_ada");
  assert.equal((await call(base, "GET", "/v1/reports")).text, "mine");
  assert.deepEqual(seen[0], ["POST", 200]);
});
