// Pages of the dashboard, as an operator opens them.
import assert from "node:assert/strict";
import { buildPages } from "../../npm/dashboard/build.mjs";
import { NOW, SECRET_KEY } from "./dashboard_server.mjs";

export const DESKTOP = { width: 1440, height: 900 };

/** A page whose clock stands at the tenant's now. What breaks the policy, and every error, fails the test. */
export async function openPage(t, browser, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
  if (process.env["HJ_SOURCE_PAGES"]) await serveSources(context);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`${error}`));
  page.on("console", (message) => {
    // A refused request is told on the console by the browser itself.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
      problems.push(message.text());
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  if (!options.isLive) await page.clock.setFixedTime(NOW);
  return page;
}

/** Shows the pages as the source builds them, in place of those that the addon embeds: no build of Rust is needed while they change. */
async function serveSources(context) {
  for (const [name, body] of Object.entries(await buildPages()))
    await context.route(`**/dashboard/${name === "index.html" ? "" : name}`, async (route) =>
      route.fulfill({ response: await route.fetch(), body }),
    );
}

export async function signIn(page, address) {
  await page.goto(address);
  await page.getByLabel("Secret key", { exact: true }).fill(SECRET_KEY);
  await page.getByRole("button", { name: "Open" }).click();
  await heading(page, "Overview").waitFor();
}

export const heading = (page, name, level = 1) => page.getByRole("heading", { level, name });

/** The files of the pages. */
export const FILES = ["", "app.js", "app.css", "icon.svg", "config.json"];

/** The answer has a policy without an exception. */
export function assertStrict(answer) {
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/);
}

/** Each page: a name, its address, its heading, and what it shows once all is there. */
export const STATES = [
  ["overview", "#/overview", "Overview", ".chart"],
  ["sessions", "#/sessions?status=all", "Sessions", ".table-rows"],
  ["end", "#/end?not_country=BR%2CNL", "End many sessions", ".headline"],
  ["settings", "#/settings", "Session Settings", ".presets"],
  ["keys", "#/keys", "Keys", ".keyline"],
  ["events", "#/events", "Events", ".event"],
];

/** Opens a page and waits until it has counted and loaded all. */
export async function show(page, address, title, ready) {
  await page.goto(address);
  await heading(page, title).waitFor();
  await page.locator(ready).first().waitFor();
  await page.waitForFunction(
    () => !document.querySelector("[aria-busy=true]") && !document.body.textContent.includes("Counting…"),
  );
}
