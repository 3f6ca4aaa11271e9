// The devices app of examples/devices in Chromium, by two people's profiles. With HJ_PICTURES set to a folder, the pictures of the
// documents are taken.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { HelloJohn, ManualClock } from "@hellojohn/node";
import { authenticate, createApp } from "../../examples/devices/server.mjs";
import { findBarriers } from "./accessibility.mjs";
import { launch } from "./servers.mjs";

const DAY = 86_400_000;
/** A Saturday morning, so that no picture depends on the day on which it is taken. */
const NOW = Date.UTC(2026, 0, 17, 10, 30);
const CHROME_ON_ANDROID =
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36";
const CHROME =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
const DEVICES = [
  [20 / 1440, 20 / 1440, { country: "MX", userAgent: null, ipAddress: "192.0.2.88" }],
  [
    14,
    2 / 24,
    {
      country: "BR",
      ipAddress: "2001:db8:4f::1c",
      userAgent: "Acme/7.1 (iPhone; iOS 19.2; Scale/3.00) CFNetwork/3860.200.71 Darwin/25.2.0",
    },
  ],
  [
    20,
    1.1,
    {
      country: "BR",
      ipAddress: "203.0.113.42",
      userAgent:
        "Mozilla/5.0 (iPad; CPU OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1",
    },
  ],
  [
    26,
    6,
    {
      country: "DE",
      ipAddress: "198.51.100.7",
      userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:134.0) Gecko/20100101 Firefox/134.0",
    },
  ],
];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The app over TLS, with a clock that the test moves. */
async function serveApp(t) {
  const clock = new ManualClock(NOW - 30 * DAY);
  const hj = new HelloJohn({
    tenantId: "tnt_devices",
    secretKey: "sk_test_devices_7Hq2Zk9Wm4Xc1Vb8",
    database: ":memory:",
    clock,
    authenticate,
  });
  t.after(() => hj.close());
  const read = (name) => readFileSync(join(process.env["HJ_TLS"], name));
  const server = createServer({ key: read("key.pem"), cert: read("certificate.pem") }, await createApp(hj));
  await new Promise((settle) => server.listen(0, "127.0.0.1", settle));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((settle) => server.close(settle));
  });
  return { hj, clock, url: `https://devices.example.test:${server.address().port}/` };
}

/** Gives Ada devices of the past: each signed in, and was last used, so many days ago. */
async function addDevices({ hj, clock }) {
  const start = NOW - 30 * DAY;
  const tokens = [];
  const steps = DEVICES.flatMap(([signedIn, used, values], index) => [
    [
      NOW - signedIn * DAY,
      async () => {
        tokens[index] = (await hj.sessions.create({ userId: "usr_ada", ...values })).refreshToken;
      },
    ],
    ...(used < signedIn ? [[NOW - used * DAY, () => hj.sessions.refresh(tokens[index])]] : []),
  ]);
  for (const [at, step] of steps.sort(([left], [right]) => left - right)) {
    clock.set(Math.max(start, Math.round(at)));
    await step();
  }
  clock.set(NOW);
}

/** A profile: a browser without cookies, on a device of its own. */
async function openProfile(t, options = {}) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: "en-GB",
    timezoneId: "America/Sao_Paulo",
    userAgent: CHROME,
    extraHTTPHeaders: { "cf-ipcountry": "BR" },
    ...options,
  });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  page.on(
    "console",
    (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()),
  );
  page.on("pageerror", (error) => problems.push(error.message));
  return { context, page, problems };
}

async function signIn(page, url, { password = "correct horse", remember = true } = {}) {
  await page.goto(url);
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("Remember me on this device").setChecked(remember);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const heading = (page, name) => page.getByRole("heading", { name });
const names = (page) => page.locator(".hj-name").allInnerTexts();

test("two profiles sign each other out", async (t) => {
  const app = await serveApp(t);
  const laptop = await openProfile(t);
  const phone = await openProfile(t, { userAgent: CHROME_ON_ANDROID });
  app.clock.set(NOW);
  await signIn(laptop.page, app.url);
  await laptop.page.getByText("You are signed in on this device only.").waitFor();
  await signIn(phone.page, app.url);
  await phone.page.getByText("You are signed in on 2 devices.").waitFor();
  assert.match((await names(phone.page))[0], /^Chrome on Android\s*This device$/);

  await phone.page.getByRole("button", { name: "Sign out Chrome on macOS" }).click();
  await phone.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await phone.page.getByRole("status").getByText("Signed out.").waitFor();
  await phone.page.getByText("You are signed in on this device only.").waitFor();

  // The laptop learns it as soon as its user comes back to the page.
  await laptop.page.evaluate(() => dispatchEvent(new Event("focus")));
  await laptop.page.getByText("You were signed out. Sign in to go on.").waitFor();
  await signIn(laptop.page, app.url);
  await laptop.page.getByRole("button", { name: "Sign out 1 device" }).click();
  await laptop.page.getByRole("dialog").getByRole("button", { name: "Sign out 1 device" }).click();
  await laptop.page.getByText("You are signed in on this device only.").waitFor();
  await phone.page.reload();
  await heading(phone.page, "Sign in").waitFor();
  assert.deepEqual(
    laptop.problems.filter((problem) => !/401/.test(problem)),
    [],
  );
});

test("remember me decides how long the session lasts", async (t) => {
  const app = await serveApp(t);
  const { page } = await openProfile(t);
  for (const [remember, days] of [
    [true, 30],
    [false, 1],
  ]) {
    await signIn(page, app.url, { remember });
    await heading(page, "Your devices").waitFor();
    const [session] = await app.hj.sessions.list({ userId: "usr_ada" });
    assert.equal(session.refreshExpiresAt - session.createdAt, days * DAY);
    await page.locator("header").getByRole("button", { name: "Sign out" }).click();
    await heading(page, "Sign in").waitFor();
    assert.deepEqual(await app.hj.sessions.list({ userId: "usr_ada" }), []);
  }
});

test("a wrong password is said above the button and kept in its field", async (t) => {
  const app = await serveApp(t);
  const { page } = await openProfile(t);
  await signIn(page, app.url, { password: "wrong" });
  await page.getByRole("alert").getByText("Email or password is wrong.").waitFor();
  const field = page.getByLabel("Password", { exact: true });
  assert.equal(await field.inputValue(), "wrong");
  assert.ok(await field.evaluate((input) => input === document.activeElement));
  assert.deepEqual(await findBarriers(page), []);
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (await page.getByText("Too many attempts. Try again in").isVisible()) break;
    const answered = page.waitForResponse(/sign-in/);
    await page.getByRole("button", { name: "Sign in" }).click();
    await answered;
  }
  await page.getByText("Too many attempts. Try again in").waitFor();
});

test("a session at its end leads back to the form, which says why", async (t) => {
  const app = await serveApp(t);
  const { page } = await openProfile(t);
  await signIn(page, app.url, { remember: false });
  await heading(page, "Your devices").waitFor();
  app.clock.advance(2 * DAY);
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await page.getByText("Your sign-in has ended. Sign in to go on.").waitFor();
});

test("by keyboard: the dialog opens on the harmless choice and gives the focus back", async (t) => {
  const app = await serveApp(t);
  await addDevices(app);
  const { page } = await openProfile(t);
  await signIn(page, app.url);
  await heading(page, "Your devices").waitFor();
  const focused = () =>
    page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.textContent);
  const button = page.getByRole("button", { name: "Sign out Firefox on Windows" });
  await button.focus();
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "Cancel");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Sign out Firefox on Windows");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Signed out.").waitFor();
  await button.waitFor({ state: "detached" });
  assert.equal(await focused(), "Other devices");
});

test("a sign-out that gets no answer is said in the dialog, and changes nothing", async (t) => {
  const app = await serveApp(t);
  await addDevices(app);
  const { context, page } = await openProfile(t);
  await signIn(page, app.url);
  await page.getByRole("button", { name: "Sign out 4 devices" }).click();
  await context.setOffline(true);
  await page.getByRole("dialog").getByRole("button", { name: "Sign out 4 devices" }).click();
  await page.getByRole("alert").getByText("Could not sign it out. You may be offline.").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal((await names(page)).length, 5);
});

const VIEWS = [
  ["desktop", "Chrome on macOS", { viewport: { width: 1440, height: 900 } }],
  [
    "phone",
    "Chrome on Android",
    { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, userAgent: CHROME_ON_ANDROID },
  ],
];

for (const [size, name, view] of VIEWS) {
  for (const colorScheme of ["light", "dark"]) {
    test(`nothing keeps people out: ${size}, ${colorScheme}`, async (t) => {
      const app = await serveApp(t);
      await addDevices(app);
      const { page, problems } = await openProfile(t, { ...view, colorScheme });
      const picture = async (name, fullPage = true) => {
        const folder = process.env["HJ_PICTURES"];
        const path = folder && join(folder, `${name}-${size}-${colorScheme}.png`);
        if (path) await page.screenshot({ path, fullPage, animations: "disabled" });
      };
      await page.goto(app.url);
      await heading(page, "Sign in").waitFor();
      assert.deepEqual(await findBarriers(page), [], "sign-in");
      await picture("sign-in");
      await signIn(page, app.url);
      await page.getByText("You are signed in on 5 devices.").waitFor();
      assert.deepEqual(await names(page), [
        `${name}\nThis device`,
        "Unknown device\nNew",
        "App on iPhone",
        "Safari on iPad",
        "Firefox on Windows",
      ]);
      assert.deepEqual(await findBarriers(page), [], "devices");
      const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(width <= 0, `${width} px too wide`);
      await picture("devices");
      await page.locator("summary").nth(2).click();
      await page.getByRole("button", { name: "Sign out 4 devices" }).click();
      assert.deepEqual(await findBarriers(page), [], "dialog");
      await picture("confirm", false);
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.evaluate(() => {
        document.documentElement.dir = "rtl";
      });
      assert.deepEqual(await findBarriers(page), [], "right-to-left");
      await picture("rtl");
      assert.deepEqual(
        problems.filter((problem) => !/401/.test(problem)),
        [],
      );
    });
  }
}
