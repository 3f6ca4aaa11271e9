// The client in Chromium, against Express with the API.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { becomes, bundle, CLIENT_PAGE, me, openApp, signIn, status } from "./app.mjs";
import { launch, launchProfile } from "./servers.mjs";

const HOUR = 3_600_000;
const ADA = [200, "usr_ada"];

let browser;
let script;
before(async () => {
  browser = await launch();
  script = await bundle(CLIENT_PAGE);
});
after(() => browser.close());

/** A browser with a profile of its own on disk. */
async function openProfile(t, { args, preferences = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "hellojohn-profile-"));
  mkdirSync(join(folder, "Default"));
  writeFileSync(join(folder, "Default/Preferences"), JSON.stringify(preferences));
  const context = await launchProfile(folder, args);
  t.after(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  return context;
}

async function openContext(t) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  return context;
}

/** An application, and tabs of one browser in which Ada is signed in. */
async function openTabs(t, count = 1) {
  const app = await openApp(t, script);
  const context = await openContext(t);
  const tabs = [await app.open(context)];
  await signIn(tabs[0]);
  while (tabs.length < count) tabs.push(await app.open(context));
  return { app, context, tabs, page: tabs[0] };
}

test("signing in, a reload and signing out", async (t) => {
  const { app, context, page } = await openTabs(t);
  assert.deepEqual(await me(page), ADA);
  await page.reload();
  await becomes(page, "signed_in");
  assert.deepEqual(await me(page), ADA);
  await page.evaluate(() => client.signOut());
  assert.deepEqual(await context.cookies(), []);
  assert.equal(await status(await app.open(context)), "signed_out");
});

test("scripts find no token in any storage", async (t) => {
  const { page } = await openTabs(t);
  const kept = await page.evaluate(async () => [
    document.cookie,
    { ...localStorage },
    { ...sessionStorage },
    await indexedDB.databases(),
    await caches.keys(),
  ]);
  assert.deepEqual(kept, ["", {}, {}, [], []]);
});

test("20 parallel requests that are refused lead to one refresh", async (t) => {
  const { app, page } = await openTabs(t);
  app.clock.advance(2 * HOUR);
  const before = app.refreshes;
  const statuses = await page.evaluate(() =>
    Promise.all(Array.from({ length: 20 }, async () => (await client.fetch("/me")).status)),
  );
  assert.deepEqual(statuses, Array(20).fill(200));
  assert.equal(app.refreshes, before + 1);
});

for (const count of [2, 5]) {
  test(`${count} tabs that refresh at once send one request`, async (t) => {
    const { app, tabs } = await openTabs(t, count);
    app.clock.advance(2 * HOUR);
    const before = app.refreshes;
    const held = app.holdRefreshes();
    const asked = tabs.map(me);
    await held.hasArrived;
    // All others stand in line for the lock, or will find it taken.
    held.release();
    assert.deepEqual(await Promise.all(asked), Array(count).fill(ADA));
    assert.ok(app.refreshes <= before + 2, `${app.refreshes - before} refreshes`);
    const [{ status }] = await app.hj.sessions.list("usr_ada");
    assert.equal(status, "active");
  });
}

test("a lost answer is asked for again and costs no session", async (t) => {
  const { app, page } = await openTabs(t);
  app.clock.advance(2 * HOUR);
  app.losses = 1;
  assert.deepEqual(await me(page), ADA);
  await page.reload();
  await becomes(page, "signed_in");
});

test("a page that is left while it refreshes costs no session", async (t) => {
  const { app, page } = await openTabs(t);
  const held = app.holdRefreshes();
  await page.evaluate(() => void client.refreshTokens());
  await held.hasArrived;
  const reloaded = page.reload();
  held.release();
  await reloaded;
  await becomes(page, "signed_in");
  assert.deepEqual(await me(page), ADA);
});

test("a device that slept for longer than the access token lives goes on", async (t) => {
  const { app, page } = await openTabs(t);
  for (let night = 0; night < 3; night += 1) {
    app.clock.advance(9 * HOUR);
    assert.deepEqual(await me(page), ADA);
  }
});

for (const hours of [-1, 1, 24 * 365]) {
  test(`a device whose clock is ${hours} hours off is like any other`, async (t) => {
    const app = await openApp(t, script);
    const context = await openContext(t);
    await context.addInitScript((shift) => {
      const { now } = Date;
      Date.now = () => now() + shift;
    }, hours * HOUR);
    const page = await app.open(context);
    await signIn(page);
    const before = app.refreshes;
    for (let request = 0; request < 5; request += 1) assert.deepEqual(await me(page), ADA);
    assert.equal(app.refreshes, before);
    const off = await page.evaluate(() => client.serverTime());
    assert.ok(Math.abs(off - app.clock.now()) < HOUR / 2, `${off - app.clock.now()} ms off`);
    app.clock.advance(2 * HOUR);
    assert.deepEqual(await me(page), ADA);
  });
}

test("offline the user stays signed in, and the page goes on when it is back", async (t) => {
  const { app, context, page } = await openTabs(t);
  app.clock.advance(2 * HOUR);
  await context.setOffline(true);
  assert.deepEqual(
    await page.evaluate(() => client.refreshTokens().catch(({ code }) => code)),
    "network_error",
  );
  assert.equal(await status(page), "signed_in");
  await context.setOffline(false);
  await page.waitForFunction(() => client.state.error === null);
  assert.deepEqual(await me(page), ADA);
});

test("signing out in one tab is seen in all", async (t) => {
  const { tabs } = await openTabs(t, 3);
  await tabs[1].evaluate(() => client.signOut());
  for (const tab of tabs) await becomes(tab, "signed_out");
});

test("a session that another profile ends is signed out with the reason", async (t) => {
  const { app, page } = await openTabs(t);
  const other = await app.open(await openContext(t));
  await signIn(other);
  const ended = await other.evaluate(async () => {
    const { data } = await client.sessions.list();
    await client.sessions.revoke(data.find(({ current }) => !current).id);
    return data.length;
  });
  assert.equal(ended, 2);
  assert.deepEqual(await me(page), ["session_revoked"]);
  assert.deepEqual((await page.evaluate(() => states)).at(-1), ["signed_out", "session_revoked"]);
  assert.deepEqual(await me(other), ADA);
});

test("a page from the back/forward cache does not show a user who signed out meanwhile", async (t) => {
  const { app, page } = await openTabs(t);
  await page.evaluate(() => {
    addEventListener("pageshow", (event) => {
      globalThis.cameBack = event.persisted;
      globalThis.statusAtOnce = client.state.status;
    });
  });
  await page.goto(`${app.origin}/elsewhere`);
  await page.evaluate(() => fetch("/auth/v1/auth/sign-out", { method: "POST" }));
  await page.goBack({ waitUntil: "commit" });
  await page.waitForFunction(() => globalThis.cameBack === true);
  assert.equal(await page.evaluate(() => statusAtOnce), "loading");
  await becomes(page, "signed_out");
});

test("a page from the back/forward cache goes on with its session", async (t) => {
  const { app, page } = await openTabs(t);
  await page.evaluate(() =>
    addEventListener("pageshow", ({ persisted }) => (globalThis.cameBack = persisted)),
  );
  await page.goto(`${app.origin}/elsewhere`);
  app.clock.advance(2 * HOUR);
  await page.goBack({ waitUntil: "commit" });
  await page.waitForFunction(() => globalThis.cameBack === true);
  await becomes(page, "signed_in");
  assert.deepEqual(await me(page), ADA);
});

test("in private mode all works as long as the window is open", async (t) => {
  const app = await openApp(t, script);
  const page = await app.open(await openProfile(t, { args: ["--incognito"] }));
  await signIn(page);
  await page.reload();
  await becomes(page, "signed_in");
  assert.deepEqual(await me(page), ADA);
});

test("with storage blocked the user is signed in until the page is left", async (t) => {
  const app = await openApp(t, script);
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  const page = await app.open(await openProfile(t, { preferences }));
  const blocked = await page.evaluate(() => {
    try {
      return localStorage.length >= 0 ? "open" : "";
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(blocked, "SecurityError");
  await signIn(page);
  assert.deepEqual(await me(page), ADA);
  app.clock.advance(2 * HOUR);
  assert.deepEqual(await me(page), ["missing_token"]);
  assert.equal(await status(page), "signed_out");
});

test("a listener that throws is reported and disturbs no other", async (t) => {
  const { page } = await openTabs(t);
  const reported = new Promise((settle) => page.once("pageerror", settle));
  await page.evaluate(async () => {
    client.onChange(() => {
      throw new Error("a listener failed");
    });
    client.onChange(({ status }) => (globalThis.heard = status));
    await client.signOut();
  });
  assert.equal((await reported).message, "a listener failed");
  assert.equal(await page.evaluate(() => heard), "signed_out");
});
