// What docs/TORTURE.md comes to when a part of a campaign has ended, and which parts are left then.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CAMPAIGNS, choose, parts } from "./campaigns.mjs";
import { addPart, merge, triedAt } from "./table.mjs";

const CASES = [
  { name: "one", what: "the first", rounds: 100, part: 10 },
  { name: "two", what: "the second", rounds: 7, part: null },
];
const HEAD =
  "| Campaign | What was tried | Rounds | Which | Violations | Time | Last run | Commit |\n|---|---|---|---|---|---:|---|---|\n";
const OLD = "| `two` | as it was | 5 of 7 | – | 1, mended | – | – | before `aaa` |\n";
const document = (rows) => `# Title\n\nProse | with a bar.\n\n${HEAD}${rows}\nMore.\n`;
const run = (name, from, to, more) => ({
  ...{ name, from, to, commit: "bbb", failed: false, seconds: 61, date: "2026-12-01", ...more },
});
const add = (text, ...results) => results.reduce((text, result) => addPart(text, CASES, result), text);

test("a part gets a row in its place, and all else stays as it was", () => {
  const row = "| `one` | the first | 10 of 100 | 0–9 | none | 1 min 01 s | 2026-12-01 | `bbb` |\n";
  assert.equal(add(document(OLD), run("one", 0, 10)), document(row + OLD));
});

test("parts at one commit add up", () => {
  const [first, next, far] = [
    run("one", 0, 10),
    run("one", 10, 20, { date: "2026-12-02" }),
    run("one", 50, 51),
  ];
  const row = (rest) => `| \`one\` | the first | ${rest} | \`bbb\` |\n`;
  assert.equal(
    add(document(""), first, next),
    document(row("20 of 100 | 0–19 | none | 2 min 02 s | 2026-12-02")),
  );
  assert.equal(
    add(document(""), far, first, next),
    document(row("21 of 100 | 0–19, 50 | none | 3 min 03 s | 2026-12-02")),
  );
  assert.equal(
    add(document(""), first, { ...first, seconds: 10 }),
    document(row("10 of 100 | 0–9 | none | 1 min 11 s | 2026-12-01")),
  );
});

test("a row of another commit stays until the same rounds were tried", () => {
  const before = add(document(""), run("one", 0, 20, { commit: "aaa" }));
  const begun = add(before, run("one", 0, 10));
  assert.deepEqual(triedAt(begun, "one", "aaa"), [{ from: 0, to: 20 }]);
  assert.deepEqual(triedAt(begun, "one", "bbb"), [{ from: 0, to: 10 }]);
  assert.ok(begun.indexOf("`aaa`") < begun.indexOf("`bbb`"));
  const others = add(before, run("one", 20, 50));
  assert.deepEqual(triedAt(others, "one", "aaa"), [{ from: 0, to: 20 }]);
  const done = add(begun, run("one", 10, 20));
  assert.deepEqual(triedAt(done, "one", "aaa"), []);
  assert.deepEqual(triedAt(done, "one", "bbb"), [{ from: 0, to: 20 }]);
  assert.ok(!add(document(OLD), run("two", 0, 7)).includes("mended"));
});

test("a violation is told for as long as its commit, and its part is left to be run", () => {
  const failed = add(document(""), run("one", 0, 10), run("one", 10, 20, { failed: true }));
  const row = (rounds, which, time) =>
    document(
      `| \`one\` | the first | ${rounds} of 100 | ${which} | **in 10–19** | ${time} | 2026-12-01 | \`bbb\` |\n`,
    );
  assert.equal(failed, row(10, "0–9", "2 min 02 s"));
  assert.equal(parts(CASES[0], { tried: triedAt(failed, "one", "bbb") })[0].from, 10);
  assert.equal(add(failed, run("one", 10, 20)), row(20, "0–19", "3 min 03 s"));
  const only = add(document(""), run("one", 10, 20, { failed: true }));
  assert.equal(only, row(0, "–", "1 min 01 s"));
  assert.deepEqual(triedAt(only, "one", "bbb"), []);
});

test("a document without the table, or with a row that is no row, is refused", () => {
  assert.throws(() => add("# Title\n", run("one", 0, 10)), /has no table/);
  assert.throws(() => add(document("| `one` | the first |\n"), run("one", 0, 10)), /a row has 2 cells/);
});

test("the parts of a campaign are all of its rounds once, without those that were tried", () => {
  const whole = parts(CASES[0]);
  assert.deepEqual(whole.slice(0, 2), [
    { from: 0, to: 10 },
    { from: 10, to: 20 },
  ]);
  assert.deepEqual(merge(whole), [{ from: 0, to: 100 }]);
  const tried = [
    { from: 0, to: 15 },
    { from: 23, to: 90 },
  ];
  assert.deepEqual(parts(CASES[0], { tried }), [
    { from: 15, to: 20 },
    { from: 20, to: 23 },
    { from: 90, to: 100 },
  ]);
  assert.deepEqual(parts(CASES[0], { from: 5, count: 10 }), [
    { from: 5, to: 10 },
    { from: 10, to: 15 },
  ]);
  assert.deepEqual(parts(CASES[0], { from: 100, count: 10 }), [{ from: 100, to: 110 }]);
  assert.deepEqual(parts(CASES[0], { tried: [{ from: 0, to: 100 }] }), []);
  assert.deepEqual(parts(CASES[1]), [{ from: 0, to: 7 }]);
  assert.throws(() => parts(CASES[1], { from: 3 }), /two has no parts/);
  for (const bad of [{ from: Number.NaN }, { from: -1 }, { from: 1.5 }, { count: 0 }, { from: 100 }]) {
    assert.throws(() => parts(CASES[0], bad), /one: no such rounds/);
  }
});

test("campaigns are chosen by their names", () => {
  assert.deepEqual(choose([]), CAMPAIGNS);
  assert.deepEqual(
    choose(["races", "crash"]).map(({ name }) => name),
    ["crash", "races"],
  );
  assert.throws(() => choose(["race"]), /no campaign race; there are: bounds crash/);
});

test("what cannot be run is refused in one line, before anything is built", () => {
  const program = join(import.meta.dirname, "run.mjs");
  const ask = (args, env) =>
    spawnSync(process.execPath, [program, ...args], {
      encoding: "utf8",
      env: { ...process.env, FROM: "", ROUNDS: "", JOBS: "", QUICK: "", PATH: "", ...env },
    });
  for (const [args, env, reason] of [
    [["nonsense"], {}, /^make torture: no campaign nonsense; there are: bounds crash /],
    [["crash"], { FROM: "x" }, /^make torture: FROM=x is no whole number$/],
    [["crash"], { FROM: "-1" }, /^make torture: FROM=-1 is no whole number$/],
    [["crash"], { ROUNDS: "1e3" }, /^make torture: ROUNDS=1e3 is no whole number$/],
    [["crash"], { ROUNDS: "0" }, /^make torture: crash: no such rounds: FROM=0 ROUNDS=0\. It has 5000; /],
    [["crash"], { FROM: "5000" }, /^make torture: crash: no such rounds: FROM=5000 ROUNDS=0\. It has 5000; /],
    [["crash"], { FROM: "9000" }, /^make torture: crash: no such rounds: FROM=9000\. It has 5000; /],
    [["crash"], { FROM: "50", QUICK: "1" }, /^make torture: crash: no such rounds: FROM=50 .* It has 50; /],
    [["races", "bounds"], { FROM: "1" }, /^make torture: bounds has no parts: /],
    [["crash"], { JOBS: "two" }, /^make torture: JOBS=two is no whole number$/],
    [["crash"], { JOBS: "0" }, /^make torture: JOBS=0: /],
  ]) {
    const { status, stdout, stderr } = ask(args, env);
    assert.match(stderr.trimEnd(), reason);
    assert.deepEqual([status, stdout, stderr.split("\n").length], [2, "", 2], stderr);
  }
});

test("each campaign names tests and a variable that there are", () => {
  const root = join(import.meta.dirname, "../..");
  const readme = readFileSync(join(root, "tests/README.md"), "utf8");
  const sources = readFileSync(join(root, "tests/Cargo.toml"), "utf8");
  for (const { name, variable, build } of CAMPAIGNS) {
    const bench = build.at(-1);
    assert.ok(bench === "--lib" || sources.includes(`[[test]]\nname = "${bench}"\n`), name);
    assert.ok(readme.includes(variable), `${name}: tests/README.md does not name ${variable}`);
  }
  assert.equal(new Set(CAMPAIGNS.map(({ name }) => name)).size, CAMPAIGNS.length);
});

test("the document has a table in which a part finds its place", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/TORTURE.md"), "utf8");
  const names = new Set(CAMPAIGNS.map(({ name }) => name));
  for (const [, name] of text.matchAll(/^\| `(\w+)` \|/gm)) assert.ok(names.has(name), name);
  const added = addPart(text, CAMPAIGNS, run("crash", 0, 1));
  const lines = added.split("\n");
  const at = lines.findIndex((line) => line.startsWith("| `crash` |") && line.includes("| 1 of 5000 | 0 |"));
  assert.ok(at > 0);
  assert.equal([...lines.slice(0, at), ...lines.slice(at + 1)].join("\n"), text);
});
