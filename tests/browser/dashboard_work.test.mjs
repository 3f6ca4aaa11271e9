// What an operator does in the dashboard, in Chromium: by keyboard alone, with events, and the revocation list.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { heading, openPage, signIn } from "./dashboard_page.mjs";
import { SECRET_KEY, serveExpress } from "./dashboard_server.mjs";
import { launch } from "./servers.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The element that has the focus, in the words of a screen reader. */
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    if (element === document.body) return "nothing";
    return element.id === "main" ? "the page" : (element.ariaLabel ?? element.textContent).trim();
  });

/** Presses the key until the element of this name has the focus. */
async function moveTo(page, name, key = "Tab") {
  for (let step = 0; (await focused(page)) !== name; step += 1) {
    assert.ok(step < 60, `${key} does not lead to ${name}`);
    assert.notEqual(await focused(page), "nothing");
    await page.keyboard.press(key);
  }
}

const keepsFocus = (page) => page.waitForFunction(() => document.activeElement !== document.body);

test("by keyboard alone an operator finds a session and ends it, and never loses the focus", async (t) => {
  const { address, hj } = await serveExpress(t, { days: 3, aDay: 12 });
  const page = await openPage(t, browser);
  const { keyboard } = page;
  await page.goto(address);
  await page.getByLabel("Secret key", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.type), "password");
  await keyboard.type(SECRET_KEY);
  await keyboard.press("Enter");
  await heading(page, "Overview").waitFor();
  await keepsFocus(page);
  assert.equal(await focused(page), "the page");

  await keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await keepsFocus(page);
  await keyboard.press("g");
  await keyboard.press("s");
  await heading(page, "Sessions").waitFor();
  await keepsFocus(page);
  assert.equal(await focused(page), "the page");

  const [newest] = await hj.sessions.list({ status: "active", limit: 1 });
  const count = await hj.sessions.count({ userId: newest.userId });
  await keyboard.press("/");
  await keyboard.press("Tab");
  assert.match(await focused(page), /^User is/);
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.localName === "input");
  await keyboard.type(newest.userId);
  await keyboard.press("Enter");
  await page.getByText(`${count} match`).waitFor();
  assert.equal(await focused(page), "Filter");
  await keyboard.press("j");
  await keyboard.press("Enter");
  const panel = page.getByRole("dialog");
  await panel.getByRole("heading").waitFor();
  assert.equal(await focused(page), "Close");
  await keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await keepsFocus(page);
  await keyboard.press("Enter");
  await panel.getByRole("heading").waitFor();
  await moveTo(page, "End session…");
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "End this session?" }).waitFor();
  await keyboard.press("Escape");
  await page.getByRole("dialog", { name: "End this session?" }).waitFor({ state: "detached" });
  assert.equal(await focused(page), "End session…");
  assert.equal((await hj.sessions.get(newest.id)).status, "active");
  await keyboard.press("Enter");
  await page.getByLabel(/Your name/).waitFor();
  await moveTo(page, "End session");
  await keyboard.press("Enter");
  await page.getByText(`${count - 1} match`).waitFor();
  assert.equal((await hj.sessions.get(newest.id)).status, "revoked");
  await panel.waitFor({ state: "detached" });
  await keepsFocus(page);
});

test("the link past the navigation leads to the page", async (t) => {
  const { address } = await serveExpress(t, { days: 1, aDay: 2 });
  const page = await openPage(t, browser);
  await signIn(page, address);
  await keepsFocus(page);
  await moveTo(page, "Skip to the content", "Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "the page");
  await heading(page, "Overview").waitFor();
});

test("events are picked by type and user, told as sealed, and exported as JSON Lines", async (t) => {
  const { address, hj } = await serveExpress(t, { days: 2, aDay: 8 });
  const { sealed } = await hj.events.seal();
  const sealedTo = (await hj.stats()).newestSealedEvent;
  assert.ok(sealed > 0 && sealedTo >= sealed);
  const { session } = await hj.sessions.create({ userId: "usr_new", country: "IS" });
  await hj.sessions.update(session.id, { role: "owner" });
  const page = await openPage(t, browser);
  await signIn(page, address);
  await page.getByRole("link", { name: "Events", exact: true }).click();
  await page.getByText(`Sealed up to ${sealedTo}`).waitFor();

  await page.locator("details.menu > summary").click();
  await page.getByRole("button", { name: /^Type is/ }).click();
  await page.getByLabel("Type is").selectOption({ label: "Updated" });
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("Type is Updated").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".event").length === 1);
  assert.match(page.url(), /#\/events\?types=session\.updated$/);

  await page.getByRole("radio", { name: "Sign-ins" }).check({ force: true });
  await page.locator("details.menu > summary").click();
  await page.getByRole("button", { name: /^User is/ }).click();
  await page.getByLabel("User is").fill("usr_new");
  await page.keyboard.press("Enter");
  await page.getByText("User is usr_new").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".event").length === 1);

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export, JSON Lines" }).click();
  const file = await download;
  assert.match(file.suggestedFilename(), /^events-tnt_\w+-\d+\.jsonl$/);
  const lines = (await readFile(await file.path(), "utf8")).trimEnd().split("\n");
  await page.getByText("1 event exported.").waitFor();
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ type, user_id }) => [type, user_id]),
    [["session.created", "usr_new"]],
  );

  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("radio", { name: "All" }).check({ force: true });
  await page.getByText("User is usr_new").waitFor({ state: "detached" });
  const all = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export, JSON Lines" }).click();
  const whole = (await readFile(await (await all).path(), "utf8")).trimEnd().split("\n");
  const { newestEvent } = await hj.stats();
  const seqs = whole.map((line) => JSON.parse(line).seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: newestEvent }, (_, index) => index + 1),
  );
});

test("an event that is recorded late stands where its number is, under the day of its record", async (t) => {
  const { address, hj, clock } = await serveExpress(t, { days: 0, aDay: 1, config: { idleTimeout: "1h" } });
  const DAY = 86_400_000;
  const now = clock.now();
  for (const at of [now + DAY, now + 3 * DAY, now + 3 * DAY + 60_000]) {
    clock.set(at);
    await hj.sessions.create({ userId: `usr_${at}` });
    if (at === now + 3 * DAY) await hj.sweep();
  }
  const page = await openPage(t, browser);
  await page.clock.setFixedTime(clock.now());
  await signIn(page, address);
  await page.goto(`${address}#/events`);
  await page.locator(".event").nth(3).waitFor();
  const days = (await page.locator("section:has(> .day)").allInnerTexts()).map((day) =>
    day.split(/\s+/).join(" "),
  );
  assert.match(days[0], /^Today Signed in.* Ended: ses_\S+ Idle too long 21 Jan, 09:15:00 .* Signed in/);
  assert.match(days[1], /^21 Jan Signed in/);
  assert.match(days[2], /^20 Jan /);
});

test("the revocation list is switched on in the settings, and an event tells of it", async (t) => {
  const { address, hj } = await serveExpress(t, { days: 1, aDay: 2 });
  const page = await openPage(t, browser);
  await signIn(page, address);
  await page.goto(`${address}#/settings`);
  await page.getByRole("switch", { name: "List what ends" }).check({ force: true });
  await page.getByText("Revocation list off → on").waitFor();
  await page.getByRole("button", { name: "Save 1 change…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Settings saved.").waitFor();
  assert.equal((await hj.config.get()).revocationList, true);
  assert.ok((await hj.revocations()).list.length > 0);
  await page.goto(`${address}#/events?types=config.updated`);
  await page.getByText(/revocation_list off → on/).waitFor();
});

test("rows, pager and number are those of one filter, also while the next answer is on its way", async (t) => {
  const { address, hj } = await serveExpress(t);
  const all = await hj.sessions.count({ status: "active" });
  const page = await openPage(t, browser);
  await signIn(page, address);
  const pager = page.locator(".pager .hint");
  const firstRow = page.locator(".table-rows tbody tr").first();
  /** Takes a step whose answers are held back: what the page shows until they come. */
  const during = async (act) => {
    let release;
    const held = new Promise((settle) => {
      release = settle;
    });
    await page.route("**/v1/sessions{,/count}?*", async (route) => {
      await held;
      await route.continue();
    });
    const asked = page.waitForRequest("**/v1/sessions?*");
    await act();
    await asked;
    const shown = [await pager.innerText(), await firstRow.innerText()];
    assert.ok(await page.getByRole("button", { name: "Next" }).isDisabled());
    release();
    await page.unrouteAll({ behavior: "wait" });
    return shown;
  };
  await page.goto(`${address}#/sessions`);
  await pager.getByText(`1–20 of ${all}, newest first`).waitFor();
  const first = await firstRow.innerText();
  const paged = await during(() => page.getByRole("button", { name: "Next" }).click());
  assert.deepEqual(paged, [`1–20 of ${all}, newest first`, first]);
  await pager.getByText("21–40").waitFor();
  const second = await firstRow.innerText();
  assert.notEqual(second, first);

  const filtered = await during(async () => {
    await page.goto(`${address}#/sessions?country=BR`);
    await page.getByText("Country is BR").waitFor();
    await page.getByText("Counting…").waitFor();
    assert.equal(await page.getByRole("link", { name: /^End those/ }).count(), 0);
  });
  assert.deepEqual(filtered, ["21–40, newest first", second]);
  const count = await hj.sessions.count({ country: ["BR"], status: "active" });
  await page.getByRole("link", { name: `End those ${count}…` }).waitFor();
  await pager.getByText(`of ${count}, newest first`).waitFor();
});

test("where counting takes long, numbers by device are counted on demand", async (t) => {
  const { address, hj } = await serveExpress(t, { days: 2, aDay: 20 });
  const page = await openPage(t, browser);
  await signIn(page, address);
  // Each look at the clock is 2 s after the one before.
  await page.evaluate(() => {
    let now = 0;
    performance.now = () => {
      now += 2_000;
      return now;
    };
  });
  const counts = [];
  page.on("request", (request) => /sessions\/count/.test(request.url()) && counts.push(request.url()));
  const expected = await hj.sessions.count({ notCountry: ["BR"] });
  await page.goto(`${address}#/end?not_country=BR`);
  await page.getByRole("button", { name: `End ${expected} sessions…` }).waitFor();
  assert.deepEqual(counts, []);
  await page.getByRole("button", { name: "Count by device" }).click();
  await page.locator(".bars li").first().waitFor();
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
  const numbers = (await page.locator(".bars .num").allInnerTexts()).map(Number);
  assert.equal(
    numbers.reduce((sum, number) => sum + number),
    expected,
  );
});

test("while many sessions are counted the newest are shown, and what fails is said", async (t) => {
  const { address, hj } = await serveExpress(t, { days: 2, aDay: 20 });
  const page = await openPage(t, browser);
  await signIn(page, address);
  const expected = await hj.sessions.count({ notCountry: ["BR"] });
  let release;
  const held = new Promise((settle) => {
    release = settle;
  });
  await page.route("**/v1/sessions/revoke", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${address}#/end?not_country=BR`);
  await page.getByText("Counting…").waitFor();
  await page.getByRole("table", { name: /Sessions/ }).waitFor();
  assert.ok(await page.getByRole("button", { name: "End sessions…" }).isDisabled());
  release();
  await page.getByRole("button", { name: `End ${expected} sessions…` }).waitFor();
  await page.unroute("**/v1/sessions/revoke");
  await page.route("**/v1/sessions/revoke", (route) => route.abort());
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByText("No answer. The server may be down, or you may be offline.").waitFor();
  assert.ok(await page.getByRole("button", { name: "End sessions…" }).isDisabled());
});
