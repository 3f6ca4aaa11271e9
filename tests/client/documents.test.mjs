// The documents name tests, which exist.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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

const NAMES = ["browser", "client", "dashboard", "react"].flatMap((folder) =>
  readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((file) => file.endsWith(".test.mjs"))
    .flatMap((file) => findNames(read(`tests/${folder}/${file}`))),
);

/** The rows of the table with this head, as cells. */
function readRows(text, head) {
  const [, table = ""] = text.split(`${head}\n|---`);
  const [, ...rows] = table.split("\n\n")[0].trimEnd().split("\n");
  return rows.map((row) => row.replace(/^\| | \|$/g, "").split(" | "));
}

/** The cell's names of tests and paths that do not exist. */
const findMissing = (cell) =>
  cell.split("<br>").filter((shown) => {
    const [, path] = /^`(.+)`$/.exec(shown) ?? [];
    const url = path && new URL(`../../${path}`, import.meta.url);
    return url ? !existsSync(url) : !NAMES.some((name) => name.test(shown));
  });

/** The sentences of a section of SPEC, of the paragraphs that are meant; a piece of code counts as one. */
function readSentences(title, isMeant) {
  const [, rest = ""] = read("docs/SPEC.md").split(`\n## ${title}`);
  const [, ...paragraphs] = rest.split("\n## ")[0].split(/\n\n|\n(?=- )/);
  return paragraphs.filter(isMeant).flatMap((paragraph) => {
    const text = paragraph
      .replace(/^- |^```\w+\n/, "")
      .replace(/\s+/g, " ")
      .trim();
    return text.split(/(?<=\.) (?=[A-Z`<[])/);
  });
}

const withoutMarks = (text) => text.replaceAll("`", "");

test("each case of docs/BROWSER.md names a test that exists", () => {
  const rows = readRows(read("docs/BROWSER.md"), "| What happens | What the client does | Test |");
  assert.ok(rows.length > 20, `${rows.length} rows`);
  assert.deepEqual(
    rows.flatMap(([, , shown]) => findMissing(shown)),
    [],
  );
});

test("each sentence of SPEC about the browser's side is shown by a test, a host or a picture that exists", () => {
  const [, ...parts] = read("tests/browser/README.md").split("\n## ");
  assert.equal(parts.length, 3);
  for (const part of parts) {
    const [title] = part.split("\n");
    const sentences = readSentences(
      title,
      (paragraph) => !title.startsWith("22.") || paragraph.startsWith("`createVerifier("),
    );
    const rows = readRows(part, "| Sentence | Shown by |");
    for (const [index, sentence] of sentences.entries()) {
      const [beginning = "nothing", shown = ""] = rows[index] ?? [];
      assert.ok(
        withoutMarks(sentence).startsWith(withoutMarks(beginning)),
        `${title}: ${sentence}\nis not shown by row ${index + 1}: ${beginning}`,
      );
      assert.deepEqual(findMissing(shown), [], sentence);
    }
    assert.equal(rows.length, sentences.length, title);
  }
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
