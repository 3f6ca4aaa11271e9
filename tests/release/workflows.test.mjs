// The workflows run with the rights of the project: what they use is pinned, and what they may do is said.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, TARGETS } from "../../.ci/release/targets.mjs";

const FOLDER = join(ROOT, ".github/workflows");
const workflows = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), "utf8")]);

for (const [name, text] of workflows) {
  test(`${name} pins its actions, starts without rights and keeps no token for later steps`, () => {
    const used = [...text.matchAll(/uses: (.+)/g)].map((match) => match[1]);
    assert.ok(used.length > 0);
    for (const one of used) assert.match(one, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    assert.match(text, /^permissions:\n {2}contents: read\n/m);
    const checkouts = text.split("actions/checkout@").slice(1);
    for (const after of checkouts) assert.match(after, /^.+\n {8}with: \{ persist-credentials: false \}/);
    // What others may have chosen (names of branches, titles) goes through the environment, never into a script.
    for (const [line] of text.matchAll(/^ {6,}(- )?run: .*\$\{\{.*$/gm)) {
      assert.match(line, /\$\{\{ matrix\.\w+ \}\}/, line);
    }
    assert.ok(!/secrets\./.test(text), "the workflows need no secret");
  });

  test(`${name} runs scripts that are there`, () => {
    for (const [, path] of text.matchAll(/(?:node |run: )((?:release|tests|\.ci)\/[\w./]+)/g)) {
      assert.ok(existsSync(join(ROOT, path)), path);
    }
    const makefile = readFileSync(join(ROOT, "Makefile"), "utf8");
    for (const [, verbs] of text.matchAll(/run: make ([a-z -]+)/g)) {
      for (const verb of verbs.trim().split(" ")) assert.match(makefile, new RegExp(`^${verb}:`, "m"), verb);
    }
  });
}

test("the release builds an addon for each platform, and for no other", () => {
  const text = readFileSync(join(FOLDER, "release.yml"), "utf8");
  const build = text.slice(text.indexOf("\n  build:"), text.indexOf("\n  archives:"));
  const built = [...build.matchAll(/target: ([a-z0-9-]+),/g)].map((match) => match[1]);
  assert.deepEqual(built.sort(), TARGETS);
});
