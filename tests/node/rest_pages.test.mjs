// Pages by cookies: the table of docs/COOKIES.md, row by row, over real sockets in every framework, and what it cannot say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@hellojohn/node";
import { requireAuth } from "@hellojohn/node/hono";
import { Hono } from "hono";
import { isFailure, makeTenant, START, TENANT } from "./fixture.mjs";
import { ADA, makeTenantWithAda } from "./hosts.mjs";
import { PAGE_HOSTS } from "./page_hosts.mjs";
import {
  COOKIE,
  cookiesAfterwards,
  cookiesOf,
  HOUR,
  makeTokens,
  OWN,
  outcomeOf,
  pairsOf,
  ROWS,
  readRow,
  send,
} from "./pages.mjs";

function makePages(t, options) {
  const clock = new ManualClock(START);
  const hj = makeTenantWithAda(t, { clock, signInLimit: null, rest: { cookie: COOKIE }, ...options });
  return { clock, hj };
}

for (const [name, mount] of Object.entries(PAGE_HOSTS)) {
  for (const optional of [false, true]) {
    test(`pages are read as their table says: ${name}${optional ? ", optional" : ""}`, async (t) => {
      const { clock, hj } = makePages(t, {});
      const other = makeTenant(t, { clock, tenantId: "tnt_other" });
      const base = await mount(t, hj, { optional });
      assert.ok(ROWS.length > 50);
      for (const row of ROWS) {
        const tokens = await makeTokens(hj, other, clock);
        const { method, headers } = readRow(row, tokens);
        const answer = await send(base, method, headers);
        const [, bearer, , , expected, afterwards] = row;
        const passes = optional && expected.startsWith("401") && bearer === "–";
        const user = passes ? "anonymous" : expected;
        const known = method === "HEAD" ? "200" : user;
        assert.deepEqual(
          [outcomeOf(answer, method), cookiesAfterwards(answer)],
          [known, afterwards],
          row.join(" | "),
        );
        assert.equal(answer.status === 401, answer.headers["www-authenticate"] !== undefined);
      }
    });
  }

  test(`a browser signs in, is renewed by twenty requests at once and signs out: ${name}`, async (t) => {
    const { clock, hj } = makePages(t, {});
    const base = await mount(t, hj);
    const json = { ...OWN, "content-type": "application/json" };
    const signedIn = await send(base, "POST", json, "/v1/auth/sign-in", JSON.stringify(ADA));
    const cookie = pairsOf(signedIn.cookies);
    const sessionId = JSON.parse(signedIn.text).session_id;
    assert.match(
      signedIn.cookies[1],
      /^__Host-hj_access=ey.*; Path=\/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax$/,
    );
    assert.equal(outcomeOf(await send(base, "GET", { ...OWN, cookie })), "ada");
    clock.advance(2 * HOUR);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send(base, "GET", { ...OWN, cookie })),
    );
    for (const answer of answers) {
      assert.deepEqual([outcomeOf(answer), cookiesAfterwards(answer)], ["ada", "set"]);
      assert.deepEqual(answer.cookies, answers[0].cookies);
    }
    assert.equal((await hj.sessions.get(sessionId)).status, "active");
    const renewed = pairsOf(answers[0].cookies);
    const page = await send(base, "GET", { ...OWN, cookie: renewed });
    assert.deepEqual([outcomeOf(page), cookiesAfterwards(page)], ["ada", "kept"]);
    const signedOut = await send(base, "POST", { ...OWN, cookie: renewed }, "/v1/auth/sign-out");
    assert.deepEqual([signedOut.status, cookiesAfterwards(signedOut)], [204, "cleared"]);
    assert.equal(outcomeOf(await send(base, "GET", { ...OWN, cookie: renewed })), "401 session_revoked");
  });

  test(`a route asks for a role, a second factor and a recent one: ${name}`, async (t) => {
    const { clock, hj } = makePages(t, {});
    const base = await mount(t, hj, { role: "admin", mfa: true, maxAge: "5m" });
    const grant = await hj.sessions.create({ userId: "usr_ada", role: "member" });
    const cookie = cookiesOf([grant.accessToken], [grant.refreshToken]);
    const ask = async () => {
      const answer = await send(base, "GET", { ...OWN, cookie });
      return [outcomeOf(answer), answer];
    };
    assert.equal((await ask())[0], "403 insufficient_permissions");
    await hj.sessions.update(grant.session.id, { role: "admin" });
    const [outcome, answer] = await ask();
    assert.equal(outcome, "401 reauthentication_required");
    assert.match(answer.headers["www-authenticate"], /insufficient_user_authentication.*max_age="300"/);
    const { error } = JSON.parse(answer.text);
    assert.deepEqual([error.max_age, error.factors], [300, ["mfa"]]);
    await hj.sessions.update(grant.session.id, { mfaVerified: true, factor: "otp" });
    assert.equal((await ask())[0], "ada");
    clock.advance(6 * 60_000);
    assert.equal((await ask())[0], "401 reauthentication_required");
  });

  test(`a store that fails lets no page pass, and tells the host: ${name}`, async (t) => {
    const { hj } = makePages(t, {});
    const failures = [];
    const onError = ({ code }) => failures.push(code);
    const base = await mount(t, hj, { optional: true, onError });
    const grant = await hj.sessions.create({ userId: "usr_ada" });
    await hj.close();
    const cookie = cookiesOf(["a.b.c"], [grant.refreshToken]);
    assert.equal(outcomeOf(await send(base, "GET", { ...OWN, cookie })), "503 engine_closed");
    assert.deepEqual(failures, ["engine_closed"]);
  });
}

test("authorize renews nothing, and goes by the refresh cookie", async (t) => {
  const { clock, hj } = makePages(t, {});
  const grant = await hj.sessions.create({ userId: "usr_ada" });
  clock.advance(2 * HOUR);
  const headers = { ...OWN, cookie: cookiesOf([grant.accessToken], [grant.refreshToken]) };
  for (const method of ["GET", "POST", "GET"]) {
    const auth = await hj.authorize(new Request("https://app.example.com/", { method, headers }));
    assert.equal(auth.userId, "usr_ada");
  }
  const { lastActiveAt, createdAt } = await hj.sessions.get(grant.session.id);
  assert.deepEqual(lastActiveAt, createdAt, "it was not rotated");
  await hj.sessions.revoke(grant.session.id);
  const refused = await hj.authorize(new Request("https://app.example.com/", { headers }));
  assert.deepEqual([refused.status, refused.headers.getSetCookie()], [401, []]);
});

test("a cookie whose name begins with foreign white space is another one", async (t) => {
  const { hj } = makePages(t, {});
  const { accessToken, refreshToken } = await hj.sessions.create({ userId: "usr_eve" });
  // A page of a sibling host can set it: its browser sees no prefix. The bytes of U+2000, U+00A0, U+3000 and U+0085.
  for (const space of ["\u00e2\u0080\u0080", "\u00c2\u00a0", "\u00e3\u0080\u0080", "\u00c2\u0085"]) {
    const pairs = cookiesOf([accessToken], [refreshToken]).split("; ");
    const cookie = pairs.map((pair) => `${space}${pair}`).join("; ");
    const page = await hj.authorizePage(
      new Request("https://app.example.com/", { headers: { ...OWN, cookie } }),
    );
    assert.deepEqual([page.auth, page.response?.status, page.headers], [null, 401, []]);
    assert.equal((await page.response.json()).error.code, "missing_token");
  }
});

test("a response of the route's own, whose headers are fixed, brings renewed cookies on Hono", async (t) => {
  const { clock, hj } = makePages(t, {});
  const grant = await hj.sessions.create({ userId: "usr_ada" });
  clock.advance(2 * HOUR);
  const app = new Hono();
  app.get("/old", requireAuth(hj), () => Response.redirect("https://app.example.com/new", 302));
  // A page that caches may keep, were it not for the cookies.
  app.get("/news", requireAuth(hj, { optional: true }), (c) =>
    c.text("", 200, { "cache-control": "public" }),
  );
  const cookie = cookiesOf([grant.accessToken], [grant.refreshToken]);
  const answer = await app.request("https://app.example.com/old", { headers: { ...OWN, cookie } });
  assert.deepEqual([answer.status, answer.headers.get("location")], [302, "https://app.example.com/new"]);
  assert.deepEqual(
    [answer.headers.getSetCookie().length, answer.headers.get("cache-control")],
    [2, "no-store"],
  );
  for (const [sent, expected] of [
    [{ ...OWN, cookie }, [2, "no-store"]],
    [OWN, [0, "public"]],
  ]) {
    const { headers } = await app.request("https://app.example.com/news", { headers: sent });
    assert.deepEqual([headers.getSetCookie().length, headers.get("cache-control")], expected);
  }
});

for (const name of ["express", "hono", "nest", "node:http"]) {
  test(`a guard answers a CORS preflight by itself: ${name}`, async (t) => {
    const { hj } = makePages(t, {});
    const headers = { origin: "https://evil.test", "access-control-request-method": "GET" };
    const base = await PAGE_HOSTS[name](t, hj, { role: "admin", mfa: true });
    const answer = await send(base, "OPTIONS", headers);
    assert.deepEqual(
      [answer.status, answer.text, answer.headers["access-control-allow-origin"]],
      [204, "", undefined],
    );
    assert.equal((await send(base, "OPTIONS", { origin: "https://evil.test" })).status, 401);
  });
}

test("authorizePage tells what code behind it should see as cookies, and the address of a renewal", async (t) => {
  const { clock, hj } = makePages(t, {});
  const grant = await hj.sessions.create({ userId: "usr_ada" });
  clock.advance(2 * HOUR);
  const cookie = `theme=dark; ${cookiesOf([grant.accessToken], [grant.refreshToken])}; x=y=z`;
  const asked = () => new Request("https://app.example.com/", { headers: { ...OWN, cookie } });
  const page = await hj.authorizePage(asked(), { clientAddress: () => "203.0.113.9" });
  const set = page.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  assert.deepEqual([page.auth.userId, page.response, set.length], ["usr_ada", null, 2]);
  assert.equal(page.cookie, `theme=dark; x=y=z; ${pairsOf(set)}`);
  assert.equal((await hj.sessions.get(grant.session.id)).lastIpAddress, "203.0.113.9");
  await hj.sessions.revoke(grant.session.id);
  clock.advance(2 * HOUR);
  const refused = await hj.authorizePage(asked());
  assert.deepEqual([refused.auth, refused.response.status, refused.headers], [null, 401, []]);
  assert.equal(refused.response.headers.getSetCookie().length, 2, "both are cleared");
  assert.equal(refused.cookie, "theme=dark; x=y=z");
  const preflight = new Request("https://app.example.com/", {
    method: "OPTIONS",
    headers: { origin: "https://evil.test", "access-control-request-method": "POST", cookie },
  });
  assert.equal((await hj.authorizePage(preflight)).response.status, 204);
});

test("bad options are typed errors", (t) => {
  for (const access of ["yes", 1, { path: "/" }, { name: "a b" }, { name: "__Host-hj_refresh" }]) {
    assert.throws(
      () => makeTenant(t, { rest: { cookie: { access } } }),
      (error) => error.code === "validation_error" && error.detail.startsWith("cookie.access"),
      JSON.stringify(access),
    );
  }
  assert.throws(
    () => makeTenant(t, { rest: { cookie: { access: true, path: "/app" } } }),
    isFailure("validation_error", "cookie.path"),
  );
  const { hj } = makePages(t, {});
  assert.throws(() => hj.requireAuth({ role: 1 }), isFailure("validation_error", "role"));
  assert.throws(() => hj.requireAuth({ mfa: "yes" }), isFailure("validation_error", "mfa"));
  assert.throws(() => hj.pageGuard({ clientAddress: "x" }), isFailure("validation_error", "clientAddress"));
  // Guards and mounts agree on the cookie.
  assert.throws(() => hj.middleware({ cookie: true }), isFailure("validation_error", "cookie"));
  const plain = makeTenant(t, { ...TENANT });
  assert.throws(
    () => plain.createHandler({ cookie: { access: true } }),
    isFailure("validation_error", "cookie"),
  );
  hj.middleware({ cookie: COOKIE });
});
