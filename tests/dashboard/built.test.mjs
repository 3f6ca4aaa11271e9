// The pages that the library embeds are those of the source, and small.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildPages, KEPT } from "../../npm/dashboard/build.mjs";

const MOST_BYTES = 150_000;

test("the embedded files are what the sources build to", async () => {
  for (const [name, text] of Object.entries(await buildPages())) {
    const kept = readFileSync(new URL(name, KEPT), "utf8");
    assert.ok(kept === text, `${name} is stale: npm run bundle in npm/dashboard`);
  }
});

test("all pages together are at most 150 KB gzipped", async () => {
  const sizes = Object.values(await buildPages()).map((text) => gzipSync(text).length);
  const all = sizes.reduce((sum, size) => sum + size);
  assert.ok(all > 10_000 && all <= MOST_BYTES, `${all} bytes`);
});

test("no file names another host, inline code or an inline style", async () => {
  const { "index.html": html, "app.js": script, "app.css": sheet } = await buildPages();
  assert.doesNotMatch(html, /<script(?! type="module" src="app\.js">)|\sstyle=|\son[a-z]+=/);
  const hosts = new Set(`${html}${script}${sheet}`.match(/https?:\/\/[\w.-]+/g));
  assert.deepEqual(
    [...hosts].filter((host) => host !== "http://www.w3.org"),
    [],
  );
});
