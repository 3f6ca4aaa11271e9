// The client in Chromium against the REST API in axum: the server of the command line, with the refresh cookie.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { becomes, bundle, status } from "./app.mjs";
import { SECRET_KEY, serveCommandLine } from "./dashboard_server.mjs";
import { launch } from "./servers.mjs";

const PAGE = `
  import { createClient } from "@hellojohn/client";
  globalThis.client = createClient({ baseUrl: "/" });
  client.onChange(() => {}); // a client does nothing before its first use`;
const REFUSED = { status: 401, json: { error: { code: "token_expired", message: "", request_id: "" } } };
const ADA = [200, "usr_ada"];

let browser;
let script;
before(async () => {
  browser = await launch();
  script = await bundle(PAGE);
});
after(() => browser.close());

/** The API, and pages of the same origin, as a proxy puts them together. */
async function openApp(t) {
  return { t, api: await serveCommandLine(t) };
}

/** A profile of a browser, and tabs in which Ada is signed in. */
async function openTabs({ t, api }, count = 1) {
  const context = await browser.newContext();
  context.setDefaultTimeout(10_000);
  t.after(() => context.close());
  const html = (module) => ({ contentType: "text/html", body: `<!doctype html><title>App</title>${module}` });
  const serve = (path, answer) => context.route(api + path, (route) => route.fulfill(answer));
  await serve("/", html('<script type="module" src="/page.js"></script>'));
  await serve("/page.js", { contentType: "text/javascript", body: script });
  const seen = { refreshes: 0, losses: 0 };
  await context.route(`${api}/v1/auth/token/refresh`, async (route) => {
    seen.refreshes += 1;
    if (seen.losses === 0) return route.continue();
    seen.losses -= 1;
    await route.fetch();
    await route.abort();
  });
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`${api}/`);
    await page.waitForFunction(() => globalThis.client && client.state.status !== "loading");
    return page;
  };
  const tabs = [await open()];
  await tabs[0].evaluate(() => client.signIn({ email: "ada@example.com", password: "correct horse" }));
  while (tabs.length < count) tabs.push(await open());
  /** From now on the access tokens that the tabs hold are answered as expired ones are. */
  const expire = async () => {
    const held = await Promise.all(tabs.map((tab) => tab.evaluate(() => client.getAccessToken())));
    const refused = held.map((token) => `Bearer ${token}`);
    await context.route(`${api}/v1/sessions`, (route) =>
      refused.includes(route.request().headers().authorization) ? route.fulfill(REFUSED) : route.continue(),
    );
  };
  return { context, open, tabs, page: tabs[0], seen, expire };
}

/** Asks for the sessions as the page does: the status and the user, or the code of the error. */
const me = (page) =>
  page.evaluate(() =>
    client.fetch("/v1/sessions").then(
      async (response) => [response.status, (await response.json()).data[0].user_id],
      (error) => [error.code ?? error.name],
    ),
  );

test("axum: signing in, a reload and signing out", async (t) => {
  const { context, open, page } = await openTabs(await openApp(t));
  assert.deepEqual(await me(page), ADA);
  assert.deepEqual(
    (await context.cookies()).map(({ httpOnly, sameSite, secure }) => [httpOnly, sameSite, secure]),
    [[true, "Lax", true]],
  );
  await page.reload();
  await becomes(page, "signed_in");
  assert.deepEqual(await me(page), ADA);
  await page.evaluate(() => client.signOut());
  assert.deepEqual(await context.cookies(), []);
  assert.equal(await status(await open()), "signed_out");
});

test("axum: 20 parallel requests that are refused lead to one refresh", async (t) => {
  const { page, seen, expire } = await openTabs(await openApp(t));
  await expire();
  const before = seen.refreshes;
  const statuses = await page.evaluate(() =>
    Promise.all(Array.from({ length: 20 }, async () => (await client.fetch("/v1/sessions")).status)),
  );
  assert.deepEqual(statuses, Array(20).fill(200));
  assert.equal(seen.refreshes, before + 1);
});

for (const count of [2, 5]) {
  test(`axum: ${count} tabs that refresh at once keep their session`, async (t) => {
    const { tabs, seen, expire } = await openTabs(await openApp(t), count);
    await expire();
    const before = seen.refreshes;
    assert.deepEqual(await Promise.all(tabs.map(me)), Array(count).fill(ADA));
    assert.ok(seen.refreshes <= before + 2, `${seen.refreshes - before} refreshes`);
    assert.deepEqual(await Promise.all(tabs.map(me)), Array(count).fill(ADA));
  });
}

test("axum: a lost answer is asked for again and costs no session", async (t) => {
  const { page, seen, expire } = await openTabs(await openApp(t));
  await expire();
  seen.losses = 1;
  assert.deepEqual(await me(page), ADA);
  assert.equal(seen.losses, 0);
  await page.reload();
  await becomes(page, "signed_in");
});

test("axum: offline the user stays signed in, and the page goes on when it is back", async (t) => {
  const { context, page } = await openTabs(await openApp(t));
  await context.setOffline(true);
  const refreshed = page.evaluate(() => client.refreshTokens().catch(({ code }) => code));
  assert.equal(await refreshed, "network_error");
  assert.equal(await status(page), "signed_in");
  await context.setOffline(false);
  await page.waitForFunction(() => client.state.error === null);
  assert.deepEqual(await me(page), ADA);
});

test("axum: signing out in one tab is seen in all", async (t) => {
  const { tabs } = await openTabs(await openApp(t), 3);
  await tabs[1].evaluate(() => client.signOut());
  for (const tab of tabs) await becomes(tab, "signed_out");
});

test("axum: a session that another profile ends is signed out with the reason", async (t) => {
  const app = await openApp(t);
  const { page } = await openTabs(app);
  const { page: other } = await openTabs(app);
  await other.evaluate(async () => {
    const { data } = await client.sessions.list();
    await client.sessions.revoke(data.find(({ current }) => !current).id);
  });
  assert.deepEqual(await me(page), ["session_revoked"]);
  assert.equal(await status(page), "signed_out");
  assert.deepEqual(await me(other), ADA);
});

test("axum: a session that an operator ends is signed out with the reason", async (t) => {
  const app = await openApp(t);
  const { page } = await openTabs(app);
  const headers = { authorization: `Bearer ${SECRET_KEY}` };
  const ended = await fetch(`${app.api}/v1/sessions?user_id=usr_ada`, { method: "DELETE", headers });
  assert.deepEqual(await ended.json(), { revoked: 1 });
  assert.deepEqual(await me(page), ["session_revoked"]);
  assert.equal(await status(page), "signed_out");
});
