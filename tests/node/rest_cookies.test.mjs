// Cookie mode over real sockets, as a browser uses it: no script can read the refresh token.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { isFailure } from "./fixture.mjs";
import { ADA, call, HOSTS, inEveryHost, listen, makeTenantWithAda, SECRET } from "./hosts.mjs";

const REFRESH = "/v1/auth/token/refresh";
const pairOf = (header) => header.split(";", 1)[0];

inEveryHost(test, "in cookie mode the refresh token travels in the cookie only", async (t, mount) => {
  const hj = makeTenantWithAda(t);
  const base = await mount(t, hj, { cookie: true });
  const signedIn = await call(base, "POST", "/v1/auth/sign-in", { json: ADA });
  const [set, ...more] = signedIn.headers.getSetCookie();
  assert.deepEqual(more, []);
  assert.match(
    set,
    /^__Host-hj_refresh=rt_[\w-]+; Path=\/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax$/,
  );
  assert.ok(!("refresh_token" in signedIn.body) && !signedIn.text.includes("rt_"));

  const cookie = pairOf(set);
  // A plain form of another page, a page of another site, a sibling domain, an opaque origin.
  for (const headers of [
    { cookie },
    { cookie, "content-type": "text/plain" },
    { cookie, "sec-fetch-site": "cross-site", "content-type": "application/json" },
    { cookie, "sec-fetch-site": "same-site", origin: "https://evil.example" },
    { cookie, origin: "null", "content-type": "application/json" },
  ]) {
    const answer = await call(base, "POST", REFRESH, { headers });
    assert.deepEqual([answer.status, answer.body.error.code], [403, "insufficient_permissions"]);
  }
  const foreign = await call(base, "POST", "/v1/auth/sign-in", {
    json: ADA,
    headers: { origin: "https://evil.example" },
  });
  assert.equal(foreign.status, 403);
  assert.deepEqual((await hj.stats()).sessions.active, 1);

  const own = { cookie, origin: base, "x-requested-with": "fetch" };
  const tabs = await Promise.all([1, 2, 3, 4].map(() => call(base, "POST", REFRESH, { headers: own })));
  const cookies = new Set(tabs.map(({ headers }) => pairOf(headers.getSetCookie()[0])));
  assert.equal(cookies.size, 1, "parallel tabs get one successor");
  for (const tab of tabs) {
    assert.equal(tab.status, 200);
    assert.ok(!tab.text.includes("rt_"));
  }
  const [next] = cookies;
  const out = await call(base, "POST", "/v1/auth/sign-out", { headers: { ...own, cookie: next } });
  assert.equal(out.status, 204);
  assert.match(out.headers.getSetCookie()[0], /^__Host-hj_refresh=; Path=\/; Max-Age=0;/);
  const dead = await call(base, "POST", REFRESH, { headers: { ...own, cookie: next } });
  assert.deepEqual([dead.status, dead.body.error.code], [401, "session_revoked"]);
  assert.match(dead.headers.getSetCookie()[0], /Max-Age=0/);
});

test("the cookie has its options", async (t) => {
  const hj = makeTenantWithAda(t);
  const signedIn = async (options, path = "/v1/auth/sign-in") => {
    const base = await HOSTS["node:http"](t, hj, options);
    const answer = await call(base, "POST", path, { json: ADA, headers: { origin: "https://app.example" } });
    return answer.headers.getSetCookie()[0]?.replace(/=rt_[^;]+/, "") ?? answer.status;
  };
  const cookie = { name: "__Host-r", path: "/", sameSite: "strict", allowedOrigins: ["https://app.example"] };
  assert.equal(
    await signedIn({ cookie }),
    "__Host-r; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict",
  );
  const allowedOrigins = ["https://app.example"];
  assert.equal(
    await signedIn({ cookie: { domain: "app.example", secure: false, allowedOrigins } }),
    "hj_refresh_token; Path=/; Domain=app.example; Max-Age=2592000; HttpOnly; SameSite=Lax",
  );
  assert.match(
    await signedIn({ cookie: { allowedOrigins }, prefix: "/api/auth" }, "/api/auth/v1/auth/sign-in"),
    /^__Host-hj_refresh; Path=\/;/,
  );
  assert.equal(await signedIn({ cookie: true }), 403);
});

inEveryHost(test, "several cookies of one name, and former ones, lock no user out", async (t, mount) => {
  const hj = makeTenantWithAda(t);
  const cookie = { former: [{ name: "sid", domain: "example.com" }] };
  const base = await mount(t, hj, { cookie });
  const signedIn = await call(base, "POST", "/v1/auth/sign-in", { json: ADA });
  const [set, cleared] = signedIn.headers.getSetCookie();
  assert.equal(cleared, "sid=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
  const refresh = (cookie) =>
    call(base, "POST", REFRESH, { headers: { cookie, origin: base, "x-requested-with": "fetch" } });
  const good = pairOf(set);
  for (const cookie of [
    `__Host-hj_refresh=rt_x; ${good}`,
    `${good}; __Host-hj_refresh=planted`,
    `sid=x; ${good}`,
  ]) {
    const answer = await refresh(cookie);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.getSetCookie().length, 2);
  }
  assert.equal((await refresh(good.replace("__Host-hj_refresh", "sid"))).status, 200);
  // Signing out by the cookie beside an access token that is none.
  const out = await call(base, "POST", "/v1/auth/sign-out", {
    headers: { cookie: good, origin: base, authorization: "Bearer a.b.c" },
  });
  assert.equal(out.status, 204, out.text);
  assert.deepEqual(out.headers.getSetCookie().map(pairOf), ["__Host-hj_refresh=", "sid="]);
  assert.equal((await hj.stats()).sessions.active, 0);
});

for (const [name, framework] of [
  ["express 5", express],
  ["express 4", express4],
]) {
  test(`the cookie comes back under every mount path, or its path is refused: ${name}`, async (t) => {
    const hj = makeTenantWithAda(t);
    const signIn = async (at, options) => {
      const failures = [];
      const app = framework();
      app.use(at, hj.middleware({ ...options, onError: (error) => failures.push(error.detail) }));
      const base = await listen(t, createServer(app));
      const path = `${at}${options.prefix ?? ""}/v1/auth/sign-in`;
      const answer = await call(base, "POST", path, { json: ADA });
      return [answer.status, /; Path=([^;]+)/.exec(answer.headers.getSetCookie()[0])?.[1] ?? failures[0]];
    };
    assert.deepEqual(await signIn("/auth", { cookie: true }), [200, "/"]);
    assert.deepEqual(await signIn("/auth", { cookie: { path: "/auth/v1/auth" } }), [200, "/auth/v1/auth"]);
    assert.deepEqual(await signIn("/auth", { cookie: { path: "/auth" } }), [200, "/auth"]);
    const proxied = { cookie: { path: "/app/api/auth" }, mountPath: "/app", prefix: "/auth" };
    assert.deepEqual(await signIn("/api", proxied), [200, "/app/api/auth"]);
    for (const [at, options] of [
      ["/auth", { cookie: { path: "/v1/auth" } }],
      ["/auth", { cookie: { path: "/auth/v1/auth" }, mountPath: "/app" }],
      ["/other", { cookie: { path: "/auth/v1/auth" } }],
    ]) {
      const [status, detail] = await signIn(at, options);
      assert.equal(status, 500);
      assert.match(detail, /^cookie\.path: \S+ does not lead to \/\S+\/v1\/auth\/token\/refresh/);
    }
  });
}

test("where the mount path is known, a path that does not lead there throws at once", async (t) => {
  const hj = makeTenantWithAda(t);
  const refused = isFailure("validation_error", "cookie.path");
  for (const options of [
    { cookie: { path: "/auth/v1/auth" } },
    { cookie: { path: "/v1/auth" }, prefix: "/api" },
    { cookie: { path: "/api/v1/auth" }, prefix: "/api", mountPath: "/docs" },
  ]) {
    assert.throws(() => hj.createHandler(options), refused, JSON.stringify(options));
  }
  hj.createHandler({ cookie: { path: "/api/v1/auth" }, prefix: "/api" });
  hj.createHandler({ cookie: { path: "/docs/api" }, prefix: "/api", mountPath: "/docs" });
  const register = async (path, prefix) => {
    const app = fastify();
    t.after(() => app.close());
    app.register(hj.fastifyPlugin({ cookie: { path } }), { prefix });
    await app.ready();
  };
  await register("/auth/v1/auth", "/auth");
  await assert.rejects(register("/v1/auth", "/auth"), refused);
});

test("options of the constructor are the defaults of every mount", async (t) => {
  const hj = makeTenantWithAda(t, { rest: { admin: false, cookie: true } });
  const at = (path) => new Request(`https://a.example${path}`, { headers: SECRET });
  for (const handler of [hj.handler, hj.createHandler()]) {
    assert.equal((await handler(at("/v1/admin/stats"))).status, 404);
    assert.equal((await handler(at("/v1/sessions"))).status, 403);
    assert.equal((await handler(at("/.well-known/jwks.json"))).status, 200);
  }
  assert.equal((await hj.createHandler({ admin: true })(at("/v1/admin/stats"))).status, 200);
  const json = { method: "POST", body: JSON.stringify(ADA), headers: { "content-type": "application/json" } };
  const answer = await hj.handler(new Request("https://a.example/v1/auth/sign-in", json));
  assert.match(answer.headers.getSetCookie()[0], /^__Host-hj_refresh=rt_/);
  assert.throws(
    () => makeTenantWithAda(t, { rest: { cookie: "yes" } }),
    isFailure("validation_error", "cookie"),
  );
  assert.throws(
    () => makeTenantWithAda(t, { rest: { clientAddress: () => "" } }),
    isFailure("validation_error"),
  );
});

test("bad options throw at once", async (t) => {
  const hj = makeTenantWithAda(t);
  for (const [options, field] of [
    [{ cookies: true }, "cookies"],
    [{ cookie: "yes" }, "cookie"],
    [{ cookie: { nam: "x" } }, "nam"],
    [{ cookie: { name: "a b" } }, "cookie.name"],
    [{ cookie: { sameSite: "none" } }, "cookie.sameSite"],
    [
      { cookie: { sameSite: "lax", partitioned: true, allowedOrigins: ["https://a.example"] } },
      "cookie.partitioned",
    ],
    [{ cookie: { allowedOrigins: ["*"] } }, "cookie.allowedOrigins"],
    [{ cookie: { domain: "com" } }, "cookie.domain"],
    [{ cookie: { domain: ".." } }, "cookie.domain"],
    [{ cookie: { former: {} } }, "cookie.former"],
    [{ cookie: { former: [{ secure: true }] } }, "cookie.former.secure"],
    [{ mountPath: "auth" }, "mountPath"],
    [{ admin: "no" }, "admin"],
    [{ trailingSlash: 1 }, "trailingSlash"],
    [{ cookie: { secure: "no" } }, "cookie.secure"],
    [{ longestRequestedSession: "0d" }, "longestRequestedSession"],
    [{ prefix: "auth" }, "prefix"],
    [{ prefix: "/auth/" }, "prefix"],
    [{ onError: true }, "onError"],
    [{ clientAddress: "127.0.0.1" }, "clientAddress"],
    ["cookie", "options"],
  ]) {
    for (const offer of ["createHandler", "middleware"]) {
      assert.throws(() => hj[offer](options), isFailure("validation_error", field), JSON.stringify(options));
    }
  }
  assert.throws(() => hj.fastifyPlugin({ cookie: "yes" }), isFailure("validation_error", "cookie"));
  for (const [options, field] of [
    [{ verify: "remote" }, "verify"],
    [{ optional: 1 }, "optional"],
    [{ roles: ["admin"] }, "roles"],
    [{ role: ["admin"] }, "role"],
    [{ token: "x" }, "token"],
    [{ onError: {} }, "onError"],
  ]) {
    assert.throws(() => hj.requireAuth(options), isFailure("validation_error", field));
    assert.throws(() => hj.fastifyAuth(options), isFailure("validation_error", field));
    await assert.rejects(
      hj.authorize(new Request("http://a/"), options),
      isFailure("validation_error", field),
    );
  }
});
