// The documents name tests, which exist.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The names of the tests in a file, as patterns: a name that is put together fits with anything in its gaps. */
function findNames(text) {
  const names = [...text.matchAll(/\btest\(\s*(["`])(.+?)\1,/g)].map(([, , name]) => name);
  return names.map((name) => {
    const parts = name.split(/\$\{.+?\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".+")}$`);
  });
}

test("each case of docs/BROWSER.md names a test that exists", () => {
  const names = ["tests/browser", "tests/client"].flatMap((folder) =>
    readdirSync(new URL(`../../${folder}/`, import.meta.url))
      .filter((file) => file.endsWith(".test.mjs"))
      .flatMap((file) => findNames(read(`${folder}/${file}`))),
  );
  const [, table] = read("docs/BROWSER.md").split(
    "| What happens | What the client does | Test |\n|---|---|---|\n",
  );
  const rows = table.split("\n\n")[0].split("\n");
  assert.ok(rows.length > 20, `${rows.length} rows`);
  const missing = rows
    .map((row) => row.split("|").at(-2).trim())
    .filter((cell) => !names.some((name) => name.test(cell)));
  assert.deepEqual(missing, []);
});
