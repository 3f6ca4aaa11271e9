// The documents name tests, which exist.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { makeWorld, ORIGIN, signIn } from "./fixture.mjs";

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

test("the function of the documents works with the client's tokens", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  const { getAccessToken, refreshTokens } = client;
  const fetch = (endpoint, init) => world.environment(null).fetch(`${ORIGIN}${endpoint}`, init);
  let redirected = 0;
  const redirectToSignIn = () => {
    redirected += 1;
  };

  // As it stands in the documents.
  async function apiRequest(endpoint) {
    let response = await fetch(endpoint, {
      headers: { Authorization: `Bearer ${getAccessToken()}` },
    });

    if (response.status === 401) {
      // Try to refresh
      try {
        await refreshTokens();
        response = await fetch(endpoint, {
          headers: { Authorization: `Bearer ${getAccessToken()}` },
        });
      } catch {
        // Refresh failed — session expired
        redirectToSignIn();
        return;
      }
    }

    return response.json();
  }

  await apiRequest("/me");
  assert.equal(redirected, 1, "before the sign-in");
  const { session_id } = await signIn(client);
  assert.equal((await apiRequest("/me")).user, "usr_ada");
  world.pass(2 * 3_600_000, { asleep: true });
  assert.equal((await apiRequest("/me")).user, "usr_ada");
  await world.hj.sessions.revoke(session_id);
  await apiRequest("/me");
  assert.equal(redirected, 2, "after the end of the session");
});
