// Every page of build/site in Chromium, on a desktop in light colours and on a phone in dark ones: it asks no other host for anything,
// logs no error, every picture is there, and nothing but tables and code is wider than the screen. The search finds what it should.
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { ROOT } from "./extract.mjs";

const { chromium } = createRequire(join(ROOT, "tests/browser/package.json"))("playwright-core");
const SITE = join(ROOT, "build/site");
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".png": "image/png",
};

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://site").pathname);
  try {
    const body = readFileSync(join(SITE, path));
    response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
    response.end(body);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((go) => server.listen(0, "127.0.0.1", go));
const origin = `http://127.0.0.1:${server.address().port}`;
const pages = readdirSync(SITE, { recursive: true }).filter(
  (path) => path.endsWith(".html") && path !== "404.html",
);
const problems = [];
const browser = await chromium.launch({
  executablePath: process.env.HJ_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  for (const [name, options] of [
    ["desktop", { viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
    ["phone", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }],
  ]) {
    const context = await browser.newContext(options);
    for (const path of pages) {
      const page = await context.newPage();
      const report = (problem) => problems.push(`${path} (${name}): ${problem}`);
      page.on("console", (message) => message.type() === "error" && report(message.text()));
      page.on("pageerror", (error) => report(`${error}`));
      page.on("response", (answer) => answer.status() >= 400 && report(`${answer.status()} ${answer.url()}`));
      page.on("request", (request) => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(origin))
          report(`asks ${request.url()}`);
      });
      await page.goto(`${origin}/${path}`, { waitUntil: "load" });
      const seen = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth > window.innerWidth,
        scheme: document.body.dataset.mdColorScheme,
        headings: document.querySelectorAll("article h1").length,
        pictures: [...document.images]
          .filter((image) => !image.complete || image.naturalWidth === 0)
          .map((image) => image.src),
      }));
      if (seen.wide) report("is wider than the screen");
      if (seen.scheme !== (name === "phone" ? "slate" : "default")) report(`has the colours ${seen.scheme}`);
      if (seen.headings !== 1) report(`has ${seen.headings} first headings`);
      for (const picture of seen.pictures) report(`lacks ${picture}`);
      await page.close();
    }
    await context.close();
  }
  await search("refresh_token_reused", "Error reference");
  await search("remember me", "remember me");
} finally {
  await browser.close();
  server.close();
}

/** Types into the search; one of the results must have this in its title. */
async function search(words, title) {
  const page = await browser.newPage();
  await page.goto(`${origin}/index.html`);
  await page.keyboard.press("/");
  await page.keyboard.type(words);
  const found = page.locator(".md-search-result__item", { hasText: title });
  await found
    .first()
    .waitFor({ timeout: 10_000 })
    .catch(() => problems.push(`the search for "${words}" finds no "${title}"`));
  await page.close();
}

for (const problem of problems) console.log(`not ok - ${problem}`);
console.log(`${pages.length} pages read twice, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
