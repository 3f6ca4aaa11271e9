// @hellojohn/react in Chromium: the documented component, both versions of React, strict mode, markup from a server.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle, openApp, PASSWORD } from "./app.mjs";
import { launch } from "./servers.mjs";

/** Where each version of React lies. */
const REACTS = {
  18: fileURLToPath(new URL("node_modules/", import.meta.url)),
  19: fileURLToPath(new URL("../../npm/node_modules/", import.meta.url)),
};

/** The component of the documents, as it stands there, and a page around it. */
const PAGE = `
  import { HelloJohnProvider, SessionManager as Devices, useHelloJohn } from "@hellojohn/react";
  import { StrictMode } from "react";

  function SessionManager() {
    const { sessions, revokeSession } = useHelloJohn();

    return (
      <ul>
        {sessions.map((session) => (
          <li key={session.id}>
            <span>{session.device_type} — {session.country}</span>
            <span>Last active: {new Date(session.last_active_at).toLocaleDateString()}</span>
            {!session.current && (
              <button onClick={() => revokeSession(session.id)}>
                Sign out
              </button>
            )}
          </li>
        ))}
      </ul>
    );
  }

  function User() {
    const hellojohn = useHelloJohn();
    globalThis.hellojohn = hellojohn;
    globalThis.renders = (globalThis.renders ?? 0) + 1;
    return <output>{hellojohn.status} {hellojohn.user?.email}</output>;
  }

  export function App({ shows }) {
    return (
      <StrictMode>
        <HelloJohnProvider baseUrl="/auth">
          <User />
          {shows === "documented" && <SessionManager />}
          {shows === "devices" && <Devices />}
        </HelloJohnProvider>
      </StrictMode>
    );
  }`;

const START = `
  import { createRoot, hydrateRoot } from "react-dom/client";
  const root = document.getElementById("root");
  const app = <App shows={root.dataset.shows} />;
  globalThis.mismatches = [];
  const onRecoverableError = (error) => mismatches.push(String(error));
  if (root.childNodes.length > 0) hydrateRoot(root, app, { onRecoverableError });
  else createRoot(root).render(app);`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Bundles with a version of React. */
function bundleWith(version, contents, options) {
  const require = createRequire(REACTS[version]);
  const find = (name) => require.resolve(name);
  assert.match(require("react").version, new RegExp(`^${version}\\.`));
  const alias = Object.fromEntries(
    ["react/jsx-runtime", "react-dom/client", "react-dom/server", "react"].map((name) => [name, find(name)]),
  );
  return bundle(contents, { alias, define: { "process.env.NODE_ENV": '"development"' }, ...options });
}

/** Renders the page as a server does. */
async function renderOnServer(version, shows) {
  const text = await bundleWith(
    version,
    `${PAGE} export { renderToString } from "react-dom/server"; export { createElement } from "react";`,
    { platform: "node", format: "cjs" },
  );
  const module = { exports: {} };
  new Function("module", "exports", "require", text)(module, module.exports, createRequire(import.meta.url));
  const { App, createElement, renderToString } = module.exports;
  return renderToString(createElement(App, { shows }));
}

/** Opens the page in a browser of its own. */
async function openPage(t, version, shows, { isRendered = false } = {}) {
  const inner = isRendered ? await renderOnServer(version, shows) : "";
  const html = `<div id="root" data-shows="${shows}">${inner}</div>`;
  const app = await openApp(t, await bundleWith(version, PAGE + START), { html });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !/401/.test(message.text()))
      problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(app.origin);
  await page.getByText("signed_out").waitFor();
  return { app, context, page, problems, inner };
}

async function signIn(page) {
  await page.evaluate((password) => hellojohn.signIn({ email: "ada@app.test", password }), PASSWORD);
  await page.getByText("signed_in ada@app.test").waitFor();
}

for (const version of [18, 19]) {
  test(`React ${version}: the component of the documents lists sessions and ends them`, async (t) => {
    const { app, page, problems } = await openPage(t, version, "documented");
    const other = await app.hj.sessions.create({ userId: "usr_ada", deviceType: "mobile", country: "US" });
    await signIn(page);
    await page.getByText("mobile — US").waitFor();
    assert.equal(await page.getByRole("listitem").count(), 2);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("mobile — US").waitFor({ state: "detached" });
    assert.equal((await app.hj.sessions.get(other.session.id)).endReason, "revoked");
    assert.deepEqual(problems, []);
  });

  test(`React ${version}: strict mode runs effects twice, and each request is sent once`, async (t) => {
    const { app, page } = await openPage(t, version, "documented");
    assert.equal(app.refreshes, 1);
    await signIn(page);
    await page.getByRole("listitem").first().waitFor();
    assert.equal(app.count("/auth/v1/sessions"), 1);
    await page.reload();
    await page.getByRole("listitem").first().waitFor();
    assert.equal(app.refreshes, 2);
    assert.equal(app.count("/auth/v1/sessions"), 2);
  });

  test(`React ${version}: sessions that no component reads are not loaded`, async (t) => {
    const { app, page } = await openPage(t, version, "nothing");
    await signIn(page);
    await page.evaluate(() => hellojohn.client.fetch("/me"));
    assert.equal(app.count("/auth/v1/sessions"), 0);
  });

  test(`React ${version}: a refresh that changes nothing renders nothing`, async (t) => {
    const { page } = await openPage(t, version, "nothing");
    await signIn(page);
    const renders = await page.evaluate(() => globalThis.renders);
    await page.evaluate(() => hellojohn.client.refreshTokens());
    assert.equal(await page.evaluate(() => globalThis.renders), renders);
  });

  test(`React ${version}: what a server rendered is taken over without a mismatch`, async (t) => {
    for (const shows of ["documented", "devices"]) {
      const { page, problems, inner } = await openPage(t, version, shows, { isRendered: true });
      assert.match(inner, /loading/);
      assert.deepEqual(await page.evaluate(() => mismatches), []);
      assert.deepEqual(problems, []);
      await signIn(page);
      await page.getByRole("listitem").first().waitFor();
      await page.reload();
      await page.getByText("signed_in ada@app.test").waitFor();
      assert.deepEqual(await page.evaluate(() => mismatches), []);
    }
  });
}

test("a session that was ended elsewhere empties the list and tells why", async (t) => {
  const { app, page } = await openPage(t, 19, "documented");
  await signIn(page);
  await page.getByRole("listitem").first().waitFor();
  await app.hj.sessions.revokeAll("usr_ada");
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await page.getByText("signed_out").waitFor();
  assert.equal(await page.getByRole("listitem").count(), 0);
  assert.equal(await page.evaluate(() => hellojohn.error.code), "session_revoked");
});

test("sessions are loaded again when the user comes back to the page, or is online again", async (t) => {
  const { app, page } = await openPage(t, 19, "documented");
  await signIn(page);
  await page.getByRole("listitem").first().waitFor();
  for (const [index, event] of ["focus", "online"].entries()) {
    await app.hj.sessions.create({ userId: "usr_ada" });
    await page.evaluate((event) => dispatchEvent(new Event(event)), event);
    await page
      .getByRole("listitem")
      .nth(index + 1)
      .waitFor();
  }
});

test("to end a session that is gone is no failure; another failure has its code", async (t) => {
  const { app, context, page } = await openPage(t, 19, "documented");
  const other = await app.hj.sessions.create({ userId: "usr_ada" });
  await signIn(page);
  await page.getByRole("listitem").nth(1).waitFor();
  const revoke = (id) =>
    page.evaluate((id) => hellojohn.revokeSession(id).then(String, ({ name, code }) => [name, code]), id);
  await context.route("**/v1/sessions/*", (route) => route.abort());
  assert.deepEqual(await revoke(other.session.id), ["HelloJohnError", "network_error"]);
  assert.equal(await page.getByRole("listitem").count(), 2);
  await context.unroute("**/v1/sessions/*");
  assert.equal(await revoke("ses_01KDVDNA00CKN8XC1SVF204DFF"), "undefined");
  await app.hj.sessions.revoke(other.session.id);
  assert.equal(await revoke(other.session.id), "undefined");
  await page.getByRole("listitem").nth(1).waitFor({ state: "detached" });
});

test("devices that cannot be loaded leave a way to try again", async (t) => {
  const { context, page } = await openPage(t, 19, "devices");
  await context.route("**/v1/sessions*", (route) => route.abort());
  await signIn(page);
  await page.getByRole("alert").getByText("network_error").waitFor();
  await context.unroute("**/v1/sessions*");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("You are signed in on this device only.").waitFor();
});

test("a user of 250 devices sees them all, and of more than 1,000 the newest", async (t) => {
  const { app, page } = await openPage(t, 19, "devices");
  const add = (length) =>
    Promise.all(Array.from({ length }, () => app.hj.sessions.create({ userId: "usr_ada" })));
  await add(250);
  await signIn(page);
  await page.getByText("You are signed in on 251 devices.").waitFor();
  assert.equal(await page.locator(".hj-device").count(), 251);
  app.clock.advance(1);
  await add(800);
  await page.evaluate(() => hellojohn.refresh());
  const times = await page.evaluate(() => hellojohn.sessions.map(({ created_at }) => created_at));
  assert.equal(times.length, 1_000);
  assert.deepEqual(times, times.toSorted().reverse());
});

test("a hook outside of the provider says what is missing", async () => {
  const text = `
    import { useHelloJohn } from "@hellojohn/react";
    export const App = () => useHelloJohn().status;
    export { renderToString } from "react-dom/server";
    export { createElement } from "react";`;
  const module = { exports: {} };
  const built = await bundleWith(19, text, { platform: "node", format: "cjs" });
  new Function("module", "exports", "require", built)(module, module.exports, createRequire(import.meta.url));
  const { App, createElement, renderToString } = module.exports;
  assert.throws(() => renderToString(createElement(App)), /useHelloJohn needs a <HelloJohnProvider>/);
});
