// run.mjs [GROUP…]: mutation testing of the groups in ./groups.mjs. cargo-mutants (`cargo install --locked cargo-mutants`) says which
// mutants there are; all of a group are compiled at once and chosen when the tests run, so that a mutant costs seconds instead of
// a build. A mutant that no test notices must be explained in docs/TESTING.md. HJ_MUTANTS=REGEX takes those whose name matches.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GROUPS } from "./groups.mjs";
import { mutated, NUMBER, switched } from "./switched.mjs";
import { build, check, copyWorkspace, original, root, run, write } from "./tree.mjs";

const wanted = process.argv.slice(2);
for (const name of wanted) if (!GROUPS[name]) throw new Error(`no group ${name}: ${Object.keys(GROUPS)}`);
const names = wanted.length ? wanted : Object.keys(GROUPS);
const only = new RegExp(process.env.HJ_MUTANTS ?? "");

function list(files) {
  const args = ["mutants", "--list", "--json", ...files.flatMap((file) => ["--file", file])];
  const found = JSON.parse(execFileSync("cargo", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 }));
  const mutants = found.map((mutant, index) => ({ ...mutant, number: index + 1 }));
  return mutants.filter(({ name }) => only.test(name));
}

/** Whether a path is one of a pattern in which `*` stands for some letters of a name. */
const matchesGlob = (path, pattern) =>
  new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`).test(path);

/** A name without place, which changes with each line above it. */
const lasting = ({ name }) => name.replace(/:\d+:\d+: /, ": ");

const filesOf = (mutants) => new Set(mutants.map(({ file }) => file));

/** Writes all mutants into the tree; those that do not compile so are taken out again and returned. */
function writeAll(mutants) {
  let left = mutants.filter((mutant) => mutant.function);
  write("core/src/mutant.rs", NUMBER);
  write("core/src/lib.rs", `${original("core/src/lib.rs")}\nmod mutant;\n`);
  for (let attempt = 0; attempt < 20; attempt += 1) {
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
    if (errors.length === 0) return { left, alone: mutants.filter((mutant) => !left.includes(mutant)) };
    const bad = new Set();
    for (const { file, line, text } of errors) {
      const place = concerned.get(file)?.find(({ from, to }) => from <= line && line <= to);
      // Elsewhere: a function must be constant, and the message names it.
      const lastName = (path) => path.split("::").at(-1);
      const named = [...text.matchAll(/`([^`]+)`/g)].map((match) => lastName(match[1]));
      const isNamed = (mutant) => named.includes(lastName(mutant.function.function_name));
      const blamed = place?.mutants ?? left.filter(isNamed);
      if (blamed.length === 0) throw new Error(`${file}:${line}: ${text}`);
      for (const mutant of blamed) bad.add(mutant);
    }
    console.log(`  ${bad.size} cannot be chosen at run time`);
    left = left.filter((mutant) => !bad.has(mutant));
  }
  throw new Error("the mutants do not compile");
}

function restore(mutants) {
  for (const file of filesOf(mutants)) write(file, original(file));
  write("core/src/lib.rs", `${original("core/src/lib.rs")}\nmod mutant;\n`);
}

/** The tests one after the other, until one notices. */
async function judge(programs, tests, limits, mutant, number) {
  for (const [index, test] of tests.entries()) {
    const { outcome, by } = await run(programs, test, number, limits[index]);
    if (outcome !== "passed") return { mutant, outcome, by: by ?? test.test ?? "units" };
  }
  return { mutant, outcome: "missed" };
}

const integration = (tests) =>
  tests.flatMap(({ test }) => test ?? []).filter((test, at, all) => all.indexOf(test) === at);

/** How long each of the tests may take with a mutant: they must pass without one. */
async function baseline(programs, tests) {
  const limits = [];
  for (const test of tests) {
    const began = performance.now();
    const { outcome, by, ran } = await run(programs, test, 0, 600_000);
    if (outcome !== "passed") throw new Error(`without a mutant: ${JSON.stringify(test)}: ${outcome} ${by}`);
    const took = performance.now() - began;
    limits.push(20_000 + 5 * took);
    console.log(`  ${test.test ?? `units ${test.units}`}: ${ran} tests in ${(took / 1_000).toFixed(1)} s`);
  }
  return limits;
}

async function tryGroup(mutants, { left, programs }, tests) {
  const limits = await baseline(programs, tests);
  const results = [];
  const note = (result) => {
    results.push(result);
    if (result.outcome === "missed") console.log(`  missed: ${result.mutant.name}`);
    if (results.length % 25 === 0) console.log(`  ${results.length} of ${mutants.length}`);
  };
  for (const mutant of mutants.filter((one) => left.includes(one))) {
    note(await judge(programs, tests, limits, mutant, mutant.number));
  }
  return { results, limits, note };
}

/** Those that cannot be chosen at run time: each is compiled by itself. */
async function tryAlone(mutants, tests, limits, note) {
  for (const mutant of mutants) {
    const source = original(mutant.file);
    write(mutant.file, mutated(source, mutant));
    if (check().length > 0) note({ mutant, outcome: "does not compile" });
    else note(await judge(build(integration(tests)), tests, limits, mutant, 0));
    write(mutant.file, source);
  }
}

copyWorkspace();
const groups = names.map((name) => ({ name, tests: GROUPS[name].tests, files: GROUPS[name].files }));
const mutants = list(groups.flatMap(({ files }) => files));
for (const group of groups) {
  group.mutants = mutants.filter(({ file }) => group.files.some((pattern) => matchesGlob(file, pattern)));
}
console.log(`${mutants.length} mutants`);
const { left, alone } = writeAll(mutants);
const programs = build(integration(groups.flatMap(({ tests }) => tests)));
for (const group of groups) {
  console.log(`${group.name}: ${group.mutants.length} mutants`);
  Object.assign(group, await tryGroup(group.mutants, { left, programs }, group.tests));
}
restore(mutants);
for (const { mutants, tests, limits, note } of groups) {
  await tryAlone(
    mutants.filter((mutant) => alone.includes(mutant)),
    tests,
    limits,
    note,
  );
}

const explained = original("docs/TESTING.md");
let unexplained = 0;
const rows = [];
for (const { name, results } of groups) {
  const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
  const missed = results.filter(({ outcome }) => outcome === "missed").map(({ mutant }) => mutant);
  const without = missed.filter((mutant) => !explained.includes(lasting(mutant)));
  unexplained += without.length;
  for (const mutant of without) console.log(`UNEXPLAINED ${mutant.name}`);
  const viable = results.length - count("does not compile");
  rows.push(
    `| ${name} | ${viable} | ${count("failed")} | ${count("hangs")} | ${missed.length} | ${missed.length - without.length} |`,
  );
  const told = results.map(({ mutant, outcome, by }) => `${outcome}\t${mutant.name}\t${by ?? ""}`);
  writeFileSync(join(root, `build/mutants/${name}.tsv`), `${told.join("\n")}\n`);
}
console.log(
  "| Code | Mutants | Noticed | Noticed because it hangs | Missed | of these explained |\n|---|---:|---:|---:|---:|---:|",
);
console.log(rows.join("\n"));
process.exit(unexplained > 0 ? 1 : 0);
