// Cookie mode over real sockets, as a browser uses it: no script can read the refresh token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure } from "./fixture.mjs";
import { ADA, call, HOSTS, inEveryHost, makeTenantWithAda } from "./hosts.mjs";

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
    /^hj_refresh_token=rt_[\w-]+; Path=\/v1\/auth; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax$/,
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
  assert.match(out.headers.getSetCookie()[0], /^hj_refresh_token=; Path=\/v1\/auth; Max-Age=0;/);
  const dead = await call(base, "POST", REFRESH, { headers: { ...own, cookie: next } });
  assert.deepEqual([dead.status, dead.body.error.code], [401, "session_revoked"]);
  assert.match(dead.headers.getSetCookie()[0], /Max-Age=0/);
});

test("the cookie has its options, and the path behind a prefix", async (t) => {
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
    "hj_refresh_token; Path=/v1/auth; Domain=app.example; Max-Age=2592000; HttpOnly; SameSite=Lax",
  );
  assert.match(
    await signedIn({ cookie: { allowedOrigins }, prefix: "/api/auth" }, "/api/auth/v1/auth/sign-in"),
    /Path=\/api\/auth\/v1\/auth;/,
  );
  assert.equal(await signedIn({ cookie: true }), 403);
});

test("bad options throw at once", async (t) => {
  const hj = makeTenantWithAda(t);
  for (const [options, field] of [
    [{ cookies: true }, "cookies"],
    [{ cookie: "yes" }, "cookie"],
    [{ cookie: { nam: "x" } }, "nam"],
    [{ cookie: { name: "a b" } }, "cookie.name"],
    [{ cookie: { sameSite: "none" } }, "cookie.same_site"],
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
    [{ role: "admin" }, "role"],
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
