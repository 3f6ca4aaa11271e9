// The dashboard in Chromium, served by Express. With HJ_PICTURES set to a folder, the pictures of the documents are taken.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findBarriers } from "./accessibility.mjs";
import { assertStrict, DESKTOP, FILES, heading, openPage, STATES, show, signIn } from "./dashboard_page.mjs";
import { SECRET_KEY, serveExpress, TENANT } from "./dashboard_server.mjs";
import { launch } from "./servers.mjs";

const PHONE = { width: 390, height: 844 };
/** So high a picture of a long page is at most. */
const PICTURE_MOST = 1_500;
const DAY = 86_400_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("the key opens the pages, is kept by no storage, and a wrong one is refused", async (t) => {
  const { address } = await serveExpress(t, { days: 2, aDay: 4 });
  const page = await openPage(t, browser);
  await page.goto(address.slice(0, -1));
  assert.equal(page.url(), address);
  const filled = await page
    .locator("form input")
    .evaluateAll((inputs) => inputs.map((input) => input.autocomplete));
  assert.deepEqual(filled, ["username", "current-password"], "what a password manager looks for");
  await page.getByLabel("Secret key", { exact: true }).fill("sk_live_wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("This secret key does not open this tenant.").waitFor();
  await signIn(page, address);
  const kept = await page.evaluate(() =>
    JSON.stringify([localStorage, sessionStorage, location.href, document.cookie]),
  );
  assert.doesNotMatch(kept, /sk_live/);
  await page.reload();
  await page.getByLabel("Secret key", { exact: true }).waitFor();
  await signIn(page, address);
  await page.getByRole("button", { name: /^Lock/ }).click();
  await page.getByLabel("Secret key", { exact: true }).waitFor();
});

test("the keys work from the moment at which the pages show", async (t) => {
  const { address } = await serveExpress(t, { days: 1, aDay: 1 });
  const page = await openPage(t, browser);
  await page.goto(address);
  await page.evaluate(() => {
    const watch = new MutationObserver(() => {
      if (document.querySelector("h1")?.textContent !== "Overview") return;
      watch.disconnect();
      for (const key of ["g", "k"])
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    });
    watch.observe(document.body, { childList: true, subtree: true });
  });
  await page.getByLabel("Secret key", { exact: true }).fill(SECRET_KEY);
  await page.getByRole("button", { name: "Open" }).click();
  await heading(page, "Keys").waitFor();
});

test("the files have a strict policy and are not sent twice", async (t) => {
  const { address } = await serveExpress(t, { days: 1, aDay: 1 });
  for (const name of FILES) {
    const answer = await fetch(address + name);
    assert.equal(answer.status, 200, name);
    assertStrict(answer);
    const again = await fetch(address + name, { headers: { "if-none-match": answer.headers.get("etag") } });
    assert.equal(again.status, 304, name);
  }
  assert.equal((await (await fetch(`${address}config.json`)).json()).tenant_id, TENANT);
  assert.equal((await fetch(`${address}nothing.js`)).status, 404);
});

test("numbers over time are those of the sessions, and of the time that is chosen", async (t) => {
  const { address, hj } = await serveExpress(t);
  const page = await openPage(t, browser);
  await signIn(page, address);
  for (const [series, chosen, name, title] of [
    ["24h", "24 hours", "24 h", "Sign-ins an hour"],
    ["30d", "30 days", "30 days", "Sign-ins a day"],
  ]) {
    const signIns = (await hj.stats({ series })).series.reduce((sum, period) => sum + period.created, 0);
    assert.ok(signIns > 0);
    await page.getByRole("radio", { name: chosen }).check({ force: true });
    await heading(page, title, 2).waitFor();
    await page.getByText(`${name}: ${signIns}`).waitFor();
    assert.equal(await page.locator("table tbody tr").count(), series === "24h" ? 48 : 60, "as a table");
  }
});

test("sessions are filtered, paged, opened and ended", async (t) => {
  const { address, hj } = await serveExpress(t);
  const page = await openPage(t, browser);
  await signIn(page, address);
  await page.getByRole("link", { name: "Sessions", exact: true }).click();
  await heading(page, "Sessions").waitFor();
  const rows = page.getByRole("table", { name: /Sessions/ }).getByRole("row");
  await rows.nth(20).waitFor();
  const first = await rows.nth(1).textContent();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText(/^21–/).waitFor();
  assert.notEqual(await rows.nth(1).textContent(), first, "the pager and the rows are those of one page");
  await page.getByRole("button", { name: "Previous" }).click();
  await page.getByText(/^1–20/).waitFor();

  await page.keyboard.press("/");
  await page.getByRole("button", { name: /^Country is US/ }).click();
  await page.getByLabel("Country is").fill("br, mx");
  await page.keyboard.press("Enter");
  const expected = await hj.sessions.count({ country: ["BR", "MX"], status: "active" });
  await page.getByText(`${expected} match`).waitFor();
  assert.match(page.url(), /country=BR%2CMX/);
  assert.doesNotMatch(page.url(), /sk_/);

  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const panel = page.getByRole("dialog");
  await panel.getByRole("heading").waitFor();
  await panel.getByRole("button", { name: "End session…" }).click();
  const dialog = page.getByRole("dialog", { name: "End this session?" });
  await dialog.getByLabel(/Your name/).fill("ops@example.com");
  await dialog.getByRole("button", { name: "End session" }).click();
  await page.getByText("Session ended.").waitFor();
  await page.getByText(`${expected - 1} match`).waitFor();
  assert.equal(await hj.sessions.count({ country: ["BR", "MX"], status: "active" }), expected - 1);
});

test("many sessions end by a preview and a typed number", async (t) => {
  const { address, hj } = await serveExpress(t);
  const page = await openPage(t, browser);
  await signIn(page, address);
  await page.goto(`${address}#/end?not_country=BR`);
  const expected = await hj.sessions.count({ notCountry: ["BR"] });
  await page.getByRole("button", { name: `End ${expected} sessions…` }).click();
  const dialog = page.getByRole("dialog");
  const act = dialog.getByRole("button", { name: `End ${expected} sessions` });
  assert.ok(await act.isDisabled());
  await dialog.getByLabel(/to confirm/).fill(`${expected}`);
  await act.click();
  await page.getByText(`${expected} sessions ended.`).waitFor();
  assert.equal(await hj.sessions.count({ notCountry: ["BR"] }), 0);
  assert.ok((await hj.sessions.count({ country: ["BR"] })) > 0);
});

test("settings say what they end before they are saved", async (t) => {
  const { address, hj } = await serveExpress(t);
  const page = await openPage(t, browser);
  await signIn(page, address);
  await page.goto(`${address}#/settings`);
  await page.getByText("High security").click();
  await page.getByText(/The idle timeout ends \d+ sessions at once/).waitFor();
  await page.getByText("Shorter than two access tokens.").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Save 4 changes…" }).click();
  const dialog = page.getByRole("dialog");
  const number = /Type (\d+)/.exec(await dialog.textContent())[1];
  await dialog.getByLabel(/to confirm/).fill(number);
  await dialog.getByRole("button", { name: "Save and end them" }).click();
  await page.getByText("Settings saved.").waitFor();
  const { sessionDuration, idleTimeout, maxSessionsPerUser } = await hj.config.get();
  assert.deepEqual([sessionDuration, idleTimeout, maxSessionsPerUser], ["24h", "1h", 3]);
  await page.getByLabel("Session duration", { exact: true }).fill("0");
  await page.getByText("A whole number from 1, at most 100 years.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save 1 change…" }).isDisabled());
});

test("keys rotate and retire, and events tell of it", async (t) => {
  const { address, hj } = await serveExpress(t, { days: 2, aDay: 6 });
  const page = await openPage(t, browser);
  await signIn(page, address);
  await page.keyboard.press("g");
  await page.keyboard.press("k");
  await heading(page, "Keys").waitFor();
  await page.getByRole("button", { name: "Rotate…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  await page.getByText("Rotated. The next key signs now.").waitFor();
  const retiring = (await hj.keys.list()).find(({ state }) => state === "retiring");
  const end = retiring.kid.slice(-6);
  await page.getByRole("button", { name: `Retire ${end}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/the end of its id/).fill(end);
  await dialog.getByRole("button", { name: "Retire now" }).click();
  await page.getByText("Key retired.").waitFor();
  assert.equal((await hj.keys.list()).find(({ kid }) => kid === retiring.kid).state, "retired");
  await page.getByRole("link", { name: "Events" }).click();
  await page.getByText("Signing key rotated").first().waitFor();
  await hj.sessions.create({ userId: "usr_new", country: "IS" });
  await page.getByText(/Iceland/).waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [name, viewport] of [
    ["desktop", DESKTOP],
    ["phone", PHONE],
  ]) {
    test(`no page keeps people out: ${name}, ${colorScheme}`, async (t) => {
      const { address, hj } = await serveExpress(t, { aDay: 40 });
      await hj.events.seal();
      const page = await openPage(t, browser, { viewport, colorScheme, hasTouch: name === "phone" });
      const take = async (state) => {
        assert.deepEqual(await findBarriers(page), [], state);
        const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(isWide, false, `${state} scrolls sideways`);
        const folder = process.env["HJ_PICTURES"];
        if (!folder) return;
        await page.mouse.move(0, 0);
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        if (name === "desktop")
          await page.setViewportSize({ ...viewport, height: Math.min(height, PICTURE_MOST) });
        await page.screenshot({ path: `${folder}/dashboard-${state}-${name}-${colorScheme}.png` });
        await page.setViewportSize(viewport);
      };
      await page.goto(address);
      await page.getByLabel("Secret key", { exact: true }).waitFor();
      await take("sign-in");
      await signIn(page, address);
      for (const [state, hash, title, ready] of STATES) {
        await show(page, address + hash, title, ready);
        await take(state);
      }
      const sessions = await hj.sessions.list({ status: "active", limit: 100 });
      const session = sessions.find(({ createdAt, lastActiveAt }) => lastActiveAt - createdAt > 2 * DAY);
      await page.goto(`${address}#/sessions/${session.id}`);
      await page.locator(".event").first().waitFor();
      await take("session");
      await page.goto(`${address}#/sessions`);
      await page.locator(".col-device a").first().click();
      await page.getByRole("dialog").waitFor();
      assert.deepEqual(await findBarriers(page), [], "panel");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog", { name: "Go to" }).waitFor();
      assert.deepEqual(await findBarriers(page), [], "palette");
    });
  }
}
