// The refresh cookie in a real browser: planted by other hosts, left over from other options, in frames.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { launch, makeTenant, refresh, serve, signIn, signOut } from "./servers.mjs";

const APP = "app.example.test";
const SIBLING = "evil.example.test";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A browser without cookies. */
async function openContext(t) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  return context;
}

async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** The names of the cookies that the browser holds, with their domain and path. */
async function held(context) {
  const cookies = await context.cookies();
  return cookies.map(({ name, domain, path }) => `${name} ${domain}${path}`).sort();
}

/** Lets a host set cookies, as its own pages can. */
async function plant(context, { at }, host, ...cookies) {
  const query = cookies.map((cookie) => `cookie=${encodeURIComponent(cookie)}`).join("&");
  await (await open(context, at(host, `/set?${query}`))).close();
}

test("a sibling host can neither replace the default cookie nor get it refused", async (t) => {
  const hj = makeTenant(t);
  const server = await serve(t, hj, { cookie: true });
  const context = await openContext(t);
  const page = await open(context, server.at(APP));
  const victim = await signIn(page);
  assert.equal(victim.status, 200);
  assert.deepEqual(await held(context), [`__Host-hj_refresh ${APP}/`]);
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, true, "Lax"]);

  const { refreshToken } = await hj.sessions.create({ userId: "usr_eve" });
  await plant(
    context,
    server,
    SIBLING,
    `__Host-hj_refresh=${refreshToken}; Domain=example.test; Path=/; Secure`,
    `__Host-hj_refresh=${refreshToken}; Domain=example.test; Path=/v1/auth; Secure`,
    `hj_refresh_token=${refreshToken}; Domain=example.test; Path=/v1/auth/token`,
    `hj_refresh_token=garbage; Domain=example.test; Path=/`,
  );
  assert.equal((await held(context)).filter((name) => name.startsWith("__Host-")).length, 1, "planted");
  for (let round = 0; round < 3; round += 1) {
    const refreshed = await refresh(page);
    assert.deepEqual([refreshed.status, refreshed.body.session_id], [200, victim.body.session_id]);
  }
  assert.equal((await signOut(page)).status, 204);
  assert.deepEqual(
    (await held(context)).filter((name) => name.startsWith("__Host-")),
    [],
  );
});

test("with a name that others can set, a planted cookie of garbage costs no session", async (t) => {
  const hj = makeTenant(t);
  const server = await serve(t, hj, { cookie: { path: "/v1/auth" } });
  const context = await openContext(t);
  const page = await open(context, server.at(APP));
  const { body } = await signIn(page);
  await plant(
    context,
    server,
    SIBLING,
    "hj_refresh_token=first; Domain=example.test; Path=/v1/auth/token",
    "hj_refresh_token=last; Domain=example.test; Path=/",
  );
  for (let round = 0; round < 2; round += 1) {
    const refreshed = await refresh(page);
    assert.deepEqual([refreshed.status, refreshed.body.session_id], [200, body.session_id]);
  }
  assert.ok((await held(context)).includes(`hj_refresh_token ${APP}/v1/auth`));
});

test("a change of the cookie's options signs no user out and leaves no cookie behind", async (t) => {
  for (const [former, now, left] of [
    // Release 1, by its defaults.
    [{ name: "hj_refresh_token", path: "/v1/auth" }, true, [`__Host-hj_refresh ${APP}/`]],
    [{ domain: "example.test" }, { former: [{ domain: "example.test" }] }, [`__Host-hj_refresh ${APP}/`]],
    [true, { domain: "example.test", former: [{}] }, ["hj_refresh_token .example.test/"]],
    [
      { name: "sid", path: "/v1/auth" },
      { name: "sid", former: [{ name: "sid", path: "/v1/auth" }] },
      [`sid ${APP}/`],
    ],
  ]) {
    const hj = makeTenant(t);
    const context = await openContext(t);
    const page = await open(context, (await serve(t, hj, { cookie: former })).at(APP));
    const { body } = await signIn(page);
    const changed = await serve(t, hj, { cookie: now });
    await page.goto(changed.at(APP));
    const refreshed = await refresh(page);
    assert.deepEqual(
      [refreshed.status, refreshed.body.session_id],
      [200, body.session_id],
      JSON.stringify(now),
    );
    assert.equal((await refresh(page)).status, 200);
    assert.deepEqual(await held(context), left);
    assert.equal((await signOut(page)).status, 204);
    assert.deepEqual(await held(context), []);
  }
});

test("the default cookie works on http://localhost", async (t) => {
  const server = await serve(t, makeTenant(t), { cookie: true }, { tls: false });
  const context = await openContext(t);
  const page = await open(context, server.at("localhost"));
  const { body } = await signIn(page);
  const refreshed = await refresh(page);
  assert.deepEqual([refreshed.status, refreshed.body.session_id], [200, body.session_id]);
});

test("in a frame of another site a partitioned cookie works, for each site apart; a lax one does not", async (t) => {
  const hj = makeTenant(t);
  const frameIn = async (context, server, embedder) => {
    const page = await open(
      context,
      server.at(embedder, `/?of=${encodeURIComponent(server.at(APP, "/framed"))}`),
    );
    const frame = page.frames().find((frame) => frame.url().includes("/framed"));
    assert.ok(frame, "a frame");
    await frame.waitForLoadState();
    return frame;
  };
  const allowedOrigins = [`https://${APP}`];
  const server = await serve(t, hj, { cookie: { partitioned: true, allowedOrigins } });
  const context = await openContext(t);
  const frame = await frameIn(context, server, "portal.test");
  const { status, body } = await signIn(frame);
  assert.equal(status, 200);
  const refreshed = await refresh(frame);
  assert.deepEqual([refreshed.status, refreshed.body.session_id], [200, body.session_id]);
  const elsewhere = await refresh(await frameIn(context, server, "other.test"));
  assert.deepEqual([elsewhere.status, elsewhere.body.error.code], [401, "missing_token"]);
  assert.equal((await signOut(frame)).status, 204);
  assert.deepEqual(await held(context), []);

  const lax = await serve(t, hj, { cookie: true });
  const laxFrame = await frameIn(await openContext(t), lax, "portal.test");
  assert.equal((await signIn(laxFrame)).status, 200);
  assert.equal((await refresh(laxFrame)).status, 401);
});

test("a page of a sibling host cannot use the cookie that the browser sends along", async (t) => {
  const hj = makeTenant(t);
  const server = await serve(t, hj, { cookie: true });
  const context = await openContext(t);
  const page = await open(context, server.at(APP));
  const { body } = await signIn(page);
  const evil = await open(context, server.at(SIBLING));
  for (const path of ["/v1/auth/token/refresh", "/v1/auth/sign-out"]) {
    const answered = once(server.answers, `POST ${path}`);
    await evil.evaluate(
      (target) =>
        fetch(target, { method: "POST", mode: "no-cors", credentials: "include", body: "" }).then(() => 0),
      server.at(APP, path),
    );
    assert.deepEqual(await answered, [403]);
  }
  const refreshed = await refresh(page);
  assert.deepEqual([refreshed.status, refreshed.body.session_id], [200, body.session_id]);
});
