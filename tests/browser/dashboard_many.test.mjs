// The dashboard over a tenant of many sessions: what each step asks of the server. HJ_SESSIONS=1000000 makes as many and tells how
// long each step takes; HJ_DATABASE=FILE keeps them for the next run.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SECRET_KEY, serveMany } from "./dashboard_server.mjs";
import { launch } from "./servers.mjs";

const SESSIONS = Number(process.env["HJ_SESSIONS"] ?? 30_000);
/** A page of the list looks at so many sessions in one call, and takes so many calls at most. */
const [LOOKED_AT, CALLS_MAX] = [1_000, 20];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("a tenant of many sessions is listed, filtered, paged, opened and previewed", async (t) => {
  const { address, hj, now, active } = await serveMany(t, SESSIONS, process.env["HJ_DATABASE"]);
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.clock.setFixedTime(now);
  page.setDefaultTimeout(30_000 + SESSIONS / 10);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url())));
  /** Takes a step; the requests that it led to, by the end of their path. */
  const step = async (name, act) => {
    asked.length = 0;
    const start = performance.now();
    await act();
    t.diagnostic(`${name}: ${Math.round(performance.now() - start)} ms, ${asked.length} requests`);
    return (end) => asked.filter(({ pathname }) => pathname.endsWith(end)).length;
  };
  const shown = new Intl.NumberFormat("en-US").format;
  const rows = page.getByRole("table", { name: /Sessions/ }).getByRole("row");

  await page.goto(address);
  await page.getByLabel("Secret key", { exact: true }).fill(SECRET_KEY);
  let requests = await step("overview", async () => {
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText(`now: ${shown(active)}`).waitFor();
  });
  assert.equal(requests("/stats"), 1);
  requests = await step("overview of 30 days", async () => {
    await page.getByRole("radio", { name: "30 days" }).check();
    await page.getByText("Sign-ins a day").waitFor();
  });
  assert.equal(requests("/stats"), 1);

  requests = await step("first page", async () => {
    await page.getByRole("link", { name: "Sessions", exact: true }).click();
    await rows.nth(20).waitFor();
  });
  assert.ok(requests("/sessions") <= 2, "the newest sessions are active");
  await step("its count", () => page.getByText(`${shown(active)} match`).waitFor());

  const brazil = await hj.sessions.count({ country: ["BR"], status: "active" });
  requests = await step("a filter", async () => {
    await page.goto(`${address}#/sessions?country=BR`);
    await page
      .getByText(/^Brazil$/)
      .nth(19)
      .waitFor();
  });
  assert.ok(requests("/sessions") <= 3, `${requests("/sessions")} calls for a page of a twentieth of all`);
  await step("its count", () => page.getByText(`${shown(brazil)} match`).waitFor());
  await step("20 pages on", async () => {
    for (let turned = 1; turned <= 20; turned += 1) {
      await page.getByRole("button", { name: "Next" }).click();
      await page.getByText(new RegExp(`^${shown(turned * 20 + 1)}–`)).waitFor();
    }
  });

  const few = await hj.sessions.count({ ipAddress: "203.0.113.7", status: "active" });
  requests = await step("a filter that one of 250 matches", async () => {
    await page.goto(`${address}#/sessions?ip_address=203.0.113.7`);
    await page.getByText("203.0.113.7", { exact: true }).nth(19).waitFor();
  });
  assert.ok(requests("/sessions") <= 8, `${requests("/sessions")} calls`);
  await step("its count", () => page.getByText(`${shown(few)} match`).waitFor());

  requests = await step("a filter that only the oldest matches", async () => {
    await page.goto(`${address}#/sessions?ip_address=192.0.2.1`);
    await page.getByText(`${shown(CALLS_MAX * LOOKED_AT)} sessions were looked through`).waitFor();
  });
  assert.equal(requests("/sessions"), CALLS_MAX);
  requests = await step("the sessions of a user", async () => {
    await page.goto(`${address}#/sessions?user_id=usr_000001`);
    await page.getByText("192.0.2.1", { exact: true }).waitFor();
  });
  assert.equal(requests("/sessions"), 1);
  await step("the panel of a session", async () => {
    await rows.nth(1).getByRole("link").first().click();
    await page.getByRole("dialog").getByRole("heading").waitFor();
  });
  await step("its page", async () => {
    await page.getByRole("link", { name: "Open with events" }).click();
    await page.getByRole("heading", { name: "What ends it" }).waitFor();
  });

  requests = await step("the newest that an end would end", async () => {
    await page.goto(`${address}#/end?country=BR`);
    await rows.nth(20).waitFor();
  });
  assert.equal(requests("/revoke"), 1);
  assert.ok(requests("/sessions") <= 3, `${requests("/sessions")} calls for a sample`);
  await step("its number and plan", () =>
    page.getByRole("button", { name: `End ${shown(brazil)} sessions…` }).waitFor(),
  );
  assert.equal(await hj.sessions.count({ country: ["BR"], status: "active" }), brazil);
});
