// The example of pages: signed in, renewed and signed out by cookies alone, in Chromium and by requests that no browser sends.
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { findPort, MODULES, ROOT, readVersion, run, withServer } from "../tools.mjs";

const BIN = "next/dist/bin/next";
const EXAMPLE = join(ROOT, "../../examples/next");

/** The releases of Next: where each is installed, and how the example differs there. */
const NEXT = {
  version: readVersion("next"),
  modules: MODULES,
  app: join(ROOT, "build/next_pages"),
  adapt() {},
};
const NEXT_15 = {
  version: JSON.parse(readFileSync(join(ROOT, "next15/package.json"), "utf8")).dependencies.next,
  modules: join(ROOT, "next15/node_modules"),
  app: join(ROOT, "next15/build/next_pages"), // so that it finds this Next before the other
  adapt(app) {
    const proxy = readFileSync(join(app, "proxy.js"), "utf8");
    const middleware = proxy
      .replace("export { proxy }", "export { proxy as middleware }")
      .replace("config = {", 'config = { runtime: "nodejs",');
    writeFileSync(join(app, "middleware.js"), middleware);
    rmSync(join(app, "proxy.js"));
  },
};

const cookieHeader = (cookies) => cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
const tokensOf = (cookies) => new Map(cookies.map(({ name, value }) => [name, value]));

/** What a user does. */
async function useInBrowser(base) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    const cookiesNow = async () => (await context.cookies()).filter(({ name }) => name.includes("hj_"));
    await page.goto(`${base}/account`);
    await page.waitForURL(`${base}/sign-in`);
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The address or the password is wrong.").waitFor();
    assert.deepEqual(await cookiesNow(), []);
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${base}/account`);
    await page.getByRole("heading", { name: "usr_ada" }).waitFor();
    const first = await cookiesNow();
    assert.equal(first.length, 2);
    for (const cookie of first) {
      assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Lax", "/"], cookie.name);
    }
    await requestAsOthers(base, first);
    await page.waitForTimeout(3_100); // the access token has expired
    // Five tabs at once.
    const tabs = await Promise.all(Array.from({ length: 5 }, () => context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(`${base}/account`)));
    for (const tab of tabs) await tab.getByRole("heading", { name: "usr_ada" }).waitFor();
    const second = tokensOf(await cookiesNow());
    for (const { name, value } of first) assert.notEqual(second.get(name), value, name);
    await page.waitForTimeout(3_100);
    // The action renews nothing itself; the proxy has, before it.
    await page.getByRole("button", { name: "Sign out all others" }).click();
    await page.getByText("(this one)").waitFor();
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByText("You are not signed in.").waitFor();
    assert.deepEqual(await cookiesNow(), []);
    await page.goto(`${base}/account`);
    await page.waitForURL(`${base}/sign-in`);
  } finally {
    await browser.close();
  }
}

/** What other origins make of the cookies, and a page without a proxy in front. */
async function requestAsOthers(base, cookies) {
  const cookie = cookieHeader(cookies);
  const ask = (path, method, headers) =>
    fetch(base + path, { method, headers: { cookie, ...headers }, redirect: "manual" });
  const sibling = { "sec-fetch-site": "same-site", origin: "https://evil.example.com" };
  for (const [path, method] of [
    ["/account", "POST"],
    ["/me", "POST"],
    ["/api/v1/auth/sign-out", "POST"],
    ["/api/v1/sessions", "DELETE"],
  ]) {
    const refused = await ask(path, method, sibling);
    assert.deepEqual([refused.status, refused.headers.getSetCookie()], [403, []], path);
  }
  assert.equal((await ask("/me", "GET", sibling)).status, 200, "reading changes nothing");
  const own = { "sec-fetch-site": "same-origin" };
  assert.equal((await ask("/me", "POST", own)).status, 401, "a second factor is asked for");
  const listed = await ask("/api/v1/sessions", "GET", own);
  assert.equal(listed.status, 200);
  // The refresh cookie alone: the page has the user, and its answer the cookies.
  const refresh = cookies.find(({ name }) => name.includes("refresh"));
  const alone = { ...own, cookie: cookieHeader([refresh]) };
  const link = { ...alone, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  const linked = await fetch(`${base}/account`, { headers: link, redirect: "manual" });
  assert.deepEqual([linked.status, linked.headers.getSetCookie()], [200, []]);
  assert.match(await linked.text(), /usr_ada/);
  const renewed = await fetch(`${base}/account`, { headers: alone, redirect: "manual" });
  assert.equal(renewed.headers.getSetCookie().length, 2);
  assert.match(renewed.headers.get("cache-control"), /no-store/);
  assert.match(await renewed.text(), /usr_ada/);
}

function prepare({ app, adapt }) {
  rmSync(app, { recursive: true, force: true });
  cpSync(EXAMPLE, app, { recursive: true });
  adapt(app);
  // The packages of the hosts are above the folder.
  const root = JSON.stringify(ROOT);
  const config = `export default { serverExternalPackages: ["@hellojohn/node"], outputFileTracingRoot: ${root}, turbopack: { root: ${root} } };\n`;
  writeFileSync(join(app, "next.config.mjs"), config);
}

async function serve({ modules, app }, command, folder) {
  const port = await findPort();
  const database = join(folder, "sessions.db");
  const env = { PORT: String(port), HELLOJOHN_DATABASE: database, ACCESS_TOKEN_TTL: "3s" };
  const options = { cwd: app, ready: "Ready", env };
  const line = [join(modules, BIN), command];
  await withServer(process.execPath, line, options, () => useInBrowser(`http://localhost:${port}`));
}

/** The example in one release of Next; `renewer` is what that calls the file that renews cookies. */
const hostsOf = (next, renewer, isSlow) => [
  {
    name: "Next",
    version: next.version,
    way: `\`next build\` and \`next start\` of \`examples/next\`: pages by cookies, renewed by the ${renewer}, in Chromium`,
    isSlow,
    test: ({ folder }) => {
      prepare(next);
      run(process.execPath, [join(next.modules, BIN), "build"], {
        cwd: next.app,
        env: { HELLOJOHN_DATABASE: join(folder, "build.db") },
      });
      return serve(next, "start", folder);
    },
  },
  {
    name: "Next",
    version: next.version,
    way: "`next dev` of `examples/next`",
    isSlow: true,
    test: ({ folder }) => {
      prepare(next);
      return serve(next, "dev", folder);
    },
  },
];

export const hosts = [...hostsOf(NEXT, "proxy", false), ...hostsOf(NEXT_15, "middleware", true)];
