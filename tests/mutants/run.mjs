// run.mjs [GROUP…]: mutation testing of the groups in ./groups.mjs. cargo-mutants (`cargo install --locked cargo-mutants`) says which
// mutants there are; all of a group are compiled at once and chosen when the tests run, so that a mutant costs seconds instead of
// a build. A mutant that no test notices must be explained in docs/TESTING.md. HJ_MUTANTS=REGEX tries those whose name matches;
// HJ_MUTANTS_KEEP=1 goes on in the copy of the sources that the last run has made.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GROUPS } from "./groups.mjs";
import { mutated, NUMBER, switched } from "./switched.mjs";
import { build, check, copyWorkspace, original, root, run, write } from "./tree.mjs";

const wanted = process.argv.slice(2);
for (const name of wanted) if (!GROUPS[name]) throw new Error(`no group ${name}: ${Object.keys(GROUPS)}`);
const names = wanted.length ? wanted : Object.keys(GROUPS);
const isKept = Boolean(process.env.HJ_MUTANTS_KEEP);
const only = new RegExp(process.env.HJ_MUTANTS ?? "");

function list(files) {
  const args = ["mutants", "--list", "--json", ...files.flatMap((file) => ["--file", file])];
  const found = JSON.parse(execFileSync("cargo", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 }));
  return found.map((mutant, index) => ({ ...mutant, number: index + 1 }));
}

/** What the last run has found out about mutants that cannot be built beside the others. */
const FOUND = join(root, "build/mutants/found.json");

/** Whether a path is one of a pattern in which `*` stands for some letters of a name. */
const matchesGlob = (path, pattern) =>
  new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`).test(path);

/** A name without place, which changes with each line above it; ` #2` is the second of the file's mutants with that name. */
function lastingNames(mutants) {
  const seen = new Map();
  for (const mutant of mutants) {
    const name = mutant.name.replace(/:\d+:\d+: /, ": ");
    seen.set(name, [...(seen.get(name) ?? []), mutant]);
  }
  const place = ({ span: { start } }) => start.line * 1_000 + start.column;
  for (const [name, same] of seen) {
    for (const [index, mutant] of same.toSorted((a, b) => place(a) - place(b)).entries()) {
      mutant.lasting = same.length === 1 ? name : `${name} #${index + 1}`;
    }
  }
}

const filesOf = (mutants) => new Set(mutants.map(({ file }) => file));

/** Writes all mutants into the tree, and takes out again those that do not compile there. */
function writeAll(mutants) {
  const known = existsSync(FOUND) ? JSON.parse(readFileSync(FOUND, "utf8")) : { broken: [], alone: [] };
  const named = (names) => new Set(mutants.filter(({ lasting }) => names.includes(lasting)));
  const [broken, alone] = [named(known.broken), named(known.alone)];
  for (const mutant of mutants) if (!mutant.function) alone.add(mutant);
  write("core/src/mutant.rs", NUMBER);
  write("core/src/lib.rs", `${original("core/src/lib.rs")}\nmod mutant;\n`);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const left = mutants.filter((mutant) => !broken.has(mutant) && !alone.has(mutant));
    const concerned = new Map();
    for (const file of filesOf(mutants)) {
      const source = switched(
        original(file),
        left.filter((mutant) => mutant.file === file),
      );
      write(file, source.text);
      concerned.set(file, source.concerned);
    }
    const errors = check();
    const names = (set) => Array.from(set, ({ lasting }) => lasting);
    writeFileSync(FOUND, JSON.stringify({ broken: names(broken), alone: names(alone) }));
    if (errors.length === 0) return { left, broken, alone };
    for (const { file, line, text } of errors) {
      const place = concerned.get(file)?.find(({ from, to }) => from <= line && line <= to);
      // Elsewhere: a function must be constant, and the message names it.
      const lastName = (path) => path.split("::").at(-1);
      const said = [...text.matchAll(/`([^`]+)`/g)].map((match) => lastName(match[1]));
      const isNamed = (mutant) => said.includes(lastName(mutant.function.function_name));
      const blamed = place?.mutants ?? left.filter(isNamed);
      if (blamed.length === 0) throw new Error(`${file}:${line}: ${text}`);
      // Its own body does not compile, unless it is only of another type than the bodies beside it.
      const isItsOwn = place?.isArm && !text.includes("incompatible types");
      for (const mutant of blamed) (isItsOwn ? broken : alone).add(mutant);
    }
    console.log(`  ${broken.size} do not compile, ${alone.size} cannot be chosen at run time`);
  }
  throw new Error("the mutants do not compile");
}

function restore(mutants) {
  for (const file of filesOf(mutants)) write(file, original(file));
  write("core/src/lib.rs", `${original("core/src/lib.rs")}\nmod mutant;\n`);
}

/** The tests one after the other, until one notices. */
async function judge(programs, tests, mutant, number) {
  for (const test of tests) {
    const { outcome, by } = await run(programs, test, number);
    if (outcome !== "passed") return { mutant, outcome, by: by ?? test.test ?? "units" };
  }
  return { mutant, outcome: "missed" };
}

const integration = (tests) =>
  tests.flatMap(({ test }) => test ?? []).filter((test, at, all) => all.indexOf(test) === at);

/** Sets how long each of the tests may take with a mutant: they must pass without one. */
async function baseline(programs, tests) {
  for (const test of tests) {
    const began = performance.now();
    const { outcome, by, ran } = await run(programs, { ...test, limit: 600_000 }, 0);
    if (outcome !== "passed") throw new Error(`without a mutant: ${JSON.stringify(test)}: ${outcome} ${by}`);
    const took = performance.now() - began;
    test.limit = 20_000 + 5 * took;
    console.log(`  ${test.test ?? `units ${test.units}`}: ${ran} tests in ${(took / 1_000).toFixed(1)} s`);
  }
}

/** One that cannot be chosen at run time, compiled by itself. */
async function tryAlone(mutant, { tests }) {
  const source = original(mutant.file);
  write(mutant.file, mutated(source, mutant));
  const programs = check().length === 0 ? build([]) : null;
  let result = { mutant, outcome: "broken" };
  if (programs) {
    // Most are noticed by unit tests: the others are built for the rest only.
    const others = tests.filter(({ test }) => test);
    result = await judge(
      programs,
      tests.filter(({ units }) => units),
      mutant,
      0,
    );
    if (result.outcome === "missed" && others.length > 0) {
      result = await judge(build(integration(others)), others, mutant, 0);
    }
  }
  write(mutant.file, source);
  return result;
}

/** Writes a result down at once: a run takes long, and may be ended. */
function note({ name, results, mutants }, result) {
  results.push(result);
  const { mutant, outcome, by } = result;
  if (outcome === "missed") console.log(`  missed: ${mutant.name}`);
  if (results.length % 25 === 0) console.log(`  ${results.length} of ${mutants.length}`);
  appendFileSync(join(root, `build/mutants/${name}.tsv`), `${outcome}\t${mutant.name}\t${by ?? ""}\n`);
}

if (!isKept) {
  copyWorkspace();
  for (const name of names) rmSync(join(root, `build/mutants/${name}.tsv`), { force: true });
}
const groups = names.map((name) => ({ name, ...GROUPS[name], results: [] }));
const mutants = list(groups.flatMap(({ files }) => files));
for (const group of groups) {
  group.mutants = mutants.filter(({ file }) => group.files.some((pattern) => matchesGlob(file, pattern)));
}
lastingNames(mutants);
console.log(`${mutants.length} mutants`);
const { left, broken, alone } = writeAll(mutants);
const programs = build(integration(groups.flatMap(({ tests }) => tests)));
if (!programs) throw new Error("the mutants compile, but not the tests");
for (const group of groups) {
  group.mutants = group.mutants.filter(({ name }) => only.test(name));
  if (group.mutants.length === 0) continue;
  console.log(`${group.name}: ${group.mutants.length} mutants`);
  await baseline(programs, group.tests);
  for (const mutant of group.mutants.filter((one) => left.includes(one))) {
    note(group, await judge(programs, group.tests, mutant, mutant.number));
  }
  for (const mutant of group.mutants.filter((one) => broken.has(one)))
    note(group, { mutant, outcome: "broken" });
}
if ([...alone].some(({ name }) => only.test(name))) restore(mutants);
for (const group of groups) {
  for (const mutant of group.mutants.filter((one) => alone.has(one)))
    note(group, await tryAlone(mutant, group));
}

// In the cell of a table `|` is written as `\|`.
const explained = original("docs/TESTING.md").replaceAll("\\|", "|");
let unexplained = 0;
console.log("| Group | Changes | Noticed by a test that fails | by one that hangs | Unnoticed, explained |");
console.log("|---|---:|---:|---:|---:|");
for (const { name, results } of groups) {
  const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
  const missed = results.filter(({ outcome }) => outcome === "missed").map(({ mutant }) => mutant);
  const without = missed.filter((mutant) => !explained.includes(`\`${mutant.lasting}\``));
  unexplained += without.length;
  for (const mutant of without) console.error(`unexplained: ${mutant.lasting} (${mutant.name})`);
  const cells = [results.length - count("broken"), count("failed"), count("hangs")];
  console.log(`| ${[name, ...cells, missed.length - without.length].join(" | ")} |`);
}
process.exit(unexplained > 0 ? 1 : 0);
