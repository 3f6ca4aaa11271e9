// @hellojohn/node/next with stand-ins for the functions of Next; tests/hosts runs it in Next itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@hellojohn/node";
import { createNextAuth } from "@hellojohn/node/next";
import { isFailure, START } from "./fixture.mjs";
import { ADA, makeTenantWithAda } from "./hosts.mjs";

const ACCESS = "__Host-hj_access";
const REFRESH = "__Host-hj_refresh";
const HOUR = 3_600_000;
const OWN = { host: "app.example.com", origin: "https://app.example.com", "sec-fetch-site": "same-origin" };
const SIBLING = { ...OWN, origin: "https://evil.example.com", "sec-fetch-site": "same-site" };

/** An application, its browser's cookies, and the request that its functions work for. */
function makeApplication(t, options = {}, cookie = { access: true }) {
  const clock = new ManualClock(START);
  const hj = makeTenantWithAda(t, { clock, signInLimit: null, rest: { cookie } });
  const [jar, state] = [new Map(), { headers: OWN }];
  const cookieHeader = () => [...jar].map(([name, { value }]) => `${name}=${value}`).join("; ");
  const sent = () => ({ ...state.headers, ...(jar.size > 0 && { cookie: cookieHeader() }) });
  const forwarded = [];
  const application = createNextAuth(hj, {
    headers: async () => new Headers(sent()),
    cookies: async () => ({
      set(name, value, attributes) {
        if (attributes.maxAge === 0) jar.delete(name);
        else jar.set(name, { value, attributes });
      },
    }),
    NextResponse: {
      next({ request }) {
        forwarded.push(request.headers);
        return new Response(null, { headers: { "x-next": "1" } });
      },
    },
    ...options,
  });
  const request = (method, path, headers = {}) =>
    new Request(`https://app.example.com${path}`, { method, headers: { ...sent(), ...headers } });
  return { application, clock, forwarded, hj, jar, request, state };
}

test("actions sign a browser in and out, and pages know its user", async (t) => {
  const clientAddress = (headers) => headers.get("x-real-ip");
  const { application, hj, jar, state } = makeApplication(t, { clientAddress });
  state.headers = { ...OWN, "x-real-ip": "203.0.113.7" };
  assert.equal(await application.auth(), null);
  const { userId, sessionId } = await application.signIn(ADA);
  assert.equal(userId, "usr_ada");
  const attributes = { path: "/", httpOnly: true, secure: true, sameSite: "lax" };
  assert.deepEqual(jar.get(REFRESH).attributes, { ...attributes, maxAge: 30 * 24 * 3600 });
  assert.deepEqual(jar.get(ACCESS).attributes, { ...attributes, maxAge: 3600 });
  const session = await hj.sessions.get(sessionId);
  assert.equal(session.ipAddress, "203.0.113.7");
  const auth = await application.auth();
  assert.deepEqual([auth.userId, auth.sessionId], ["usr_ada", sessionId]);
  await application.signOut();
  assert.deepEqual([jar.size, await application.auth()], [0, null]);
  assert.equal((await hj.sessions.get(sessionId)).endReason, "sign_out");
  await application.signOut();
});

test("a sign-out may end all sessions of the user", async (t) => {
  const { application, hj } = makeApplication(t);
  await application.signIn(ADA);
  const { session } = await hj.sessions.create({ userId: "usr_ada" });
  await application.signOut({ scope: "global" });
  assert.equal((await hj.sessions.get(session.id)).endReason, "revoke_all");
});

test("a cookie that is given goes before a former one of its name", async (t) => {
  const cookie = { access: true, domain: "example.com", former: [{ path: "/api/v1/auth" }] };
  const { application, jar } = makeApplication(t, {}, cookie);
  await application.signIn(ADA);
  assert.deepEqual([...jar.keys()].sort(), ["hj_access_token", "hj_refresh_token"]);
  assert.equal((await application.auth()).userId, "usr_ada");
  await application.signOut();
  assert.equal(jar.size, 0);
});

test("what an action refuses is a typed error", async (t) => {
  const { application, jar, state } = makeApplication(t);
  await assert.rejects(application.signIn({ ...ADA, password: "wrong" }), isFailure("invalid_credentials"));
  await assert.rejects(
    application.signIn({ email: "", password: "x" }),
    isFailure("validation_error", "email"),
  );
  for (const headers of [SIBLING, { host: "app.example.com" }]) {
    state.headers = headers;
    await assert.rejects(application.signIn(ADA), isFailure("insufficient_permissions"));
  }
  assert.equal(jar.size, 0);
  state.headers = OWN;
  await application.signIn(ADA);
  state.headers = SIBLING;
  await assert.rejects(application.signOut(), isFailure("insufficient_permissions"));
  assert.equal(jar.size, 2);
});

test("a page requires a role or a second factor by name", async (t) => {
  const { application, hj } = makeApplication(t);
  await application.signIn(ADA);
  await assert.rejects(application.auth({ role: "owner" }), isFailure("insufficient_permissions"));
  await assert.rejects(application.auth({ mfa: true, maxAge: "5m" }), (error) => {
    assert.deepEqual([error.code, error.maxAge, error.factors], ["reauthentication_required", 300, ["mfa"]]);
    return true;
  });
  assert.equal((await application.auth({ role: "admin" })).role, "admin");
  await hj.close();
  await assert.rejects(application.auth(), isFailure("engine_closed"));
});

test("the proxy renews cookies, and what is behind it sees them", async (t) => {
  const { application, clock, forwarded, jar, request, state } = makeApplication(t);
  await application.signIn(ADA);
  const before = new Map(jar);
  clock.advance(2 * HOUR);
  // Without a proxy the page knows its user all the same.
  assert.equal((await application.auth()).userId, "usr_ada");
  assert.deepEqual(jar, before);
  state.headers = { ...OWN, "x-own": "kept" };
  const [one, two] = await Promise.all([1, 2].map(() => application.proxy(request("GET", "/account"))));
  const cookies = one.headers.getSetCookie();
  assert.deepEqual([one.headers.get("x-next"), one.headers.get("cache-control")], ["1", "no-store"]);
  assert.deepEqual([cookies.length, two.headers.getSetCookie()], [2, cookies]);
  const pairs = cookies.map((cookie) => cookie.split(";")[0]).join("; ");
  assert.deepEqual([forwarded[0].get("cookie"), forwarded[0].get("x-own")], [pairs, "kept"]);
  // The next request has them: nothing is renewed.
  for (const cookie of cookies) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    jar.set(name, { value });
  }
  const calm = await application.proxy(request("GET", "/account"));
  assert.deepEqual([calm.headers.getSetCookie(), calm.headers.get("cache-control")], [[], null]);
});

test("the proxy leaves the API to its own rules, and refuses what another origin's page would change", async (t) => {
  const { application, clock, forwarded, jar, request, state } = makeApplication(t, { prefix: "/api" });
  await application.signIn(ADA);
  clock.advance(2 * HOUR);
  state.headers = SIBLING;
  const refused = await application.proxy(request("POST", "/account"));
  assert.deepEqual([refused.status, refused.headers.getSetCookie()], [403, []]);
  assert.equal((await refused.json()).error.code, "insufficient_permissions");
  await application.proxy(request("POST", "/api/v1/auth/sign-out"));
  assert.equal(forwarded.length, 1, "it passed");
  assert.equal((await application.handler(request("POST", "/api/v1/auth/sign-out"))).status, 403);
  state.headers = OWN;
  const api = await application.proxy(request("POST", "/api/v1/auth/token/refresh"));
  assert.deepEqual(api.headers.getSetCookie(), []);
  const refreshed = await application.handler(request("POST", "/api/v1/auth/token/refresh"));
  assert.deepEqual([refreshed.status, refreshed.headers.getSetCookie().length], [200, 2]);
  // Dead cookies are cleared on the way, and the page is shown to a visitor.
  jar.delete(ACCESS);
  jar.set(REFRESH, { value: "rt_x" });
  const cleared = await application.proxy(request("GET", "/"));
  assert.equal(cleared.headers.getSetCookie().length, 2);
  assert.equal(forwarded.at(-1).get("cookie"), "");
});
