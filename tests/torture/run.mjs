// run.mjs [CAMPAIGN…]: the long campaigns of ./campaigns.mjs, or those that are named, part by part. Each part that has ended is written
// into docs/TORTURE.md at once; a part that stands there for the same code is not run again, so that a run which was stopped goes on.
//   FROM=n ROUNDS=n  so many rounds of each campaign from the nth on, instead of all
//   JOBS=n           so many parts at the same time (1)
//   QUICK=1          a hundredth of the rounds, and no document
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CAMPAIGNS, choose, parts } from "./campaigns.mjs";
import { addPart, triedAt } from "./table.mjs";

const root = join(import.meta.dirname, "../..");
const document = join(root, "docs/TORTURE.md");
const logs = join(root, "target/torture");

/** What the campaigns run: another commit of one of these is another engine, or other tests. */
const CODE = [
  "core",
  "tests/rust",
  "tests/vectors",
  "tests/Cargo.toml",
  "Cargo.toml",
  "Cargo.lock",
  "rust-toolchain.toml",
];

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
const commitOfCode = () => git("log", "-1", "--abbrev=8", "--format=%h", "--", ...CODE);

/** What was asked for cannot be run: one line says why. */
function refuse(reason) {
  console.error(`make torture: ${reason}`);
  process.exit(2);
}

function number(name, missing) {
  const text = process.env[name];
  if (!text) return missing;
  if (!/^\d{1,15}$/.test(text)) refuse(`${name}=${text} is no whole number`);
  return Number(text);
}

const isQuick = Boolean(process.env.QUICK);
const jobs = number("JOBS", 1);
if (jobs === 0) refuse("JOBS=0: at least one part is run at a time");
const range = { from: number("FROM"), count: number("ROUNDS") };

/** The campaigns that are asked for, with as many rounds as they have here. */
function chooseWanted() {
  const chosen = choose(process.argv.slice(2)).map((whole) =>
    isQuick ? { ...whole, rounds: Math.ceil(whole.rounds / 100) } : whole,
  );
  for (const campaign of chosen) parts(campaign, range);
  return chosen;
}

let wanted = [];
try {
  wanted = chooseWanted();
} catch (error) {
  refuse(error.message);
}
const commit = commitOfCode();
const isCommitted = git("status", "--porcelain", "--", ...CODE) === "";
const isWritten = !isQuick && isCommitted;

/** The program of tests that cargo builds of this, and the folder in which it is to run. */
function build(args) {
  const options = ["test", "--release", "--no-run", "--message-format", "json-render-diagnostics", ...args];
  const cargo = spawnSync("cargo", options, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
  if (cargo.error) refuse(cargo.error.message);
  if (cargo.status !== 0) refuse("the tests do not compile");
  const messages = cargo.stdout
    .split("\n")
    .filter(Boolean)
    .map((text) => JSON.parse(text));
  const { executable, manifest_path } = messages.findLast(
    ({ executable, profile }) => executable && profile.test,
  );
  return { executable, folder: join(manifest_path, "..") };
}

/** In memory where that is possible: what is tried is the engine, and no disk's speed. */
const base = process.env.TMPDIR ?? (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
const running = new Set();

/** What chooses one of a test's rounds, or a server, is for single tests. */
const others = ([name]) => !name.startsWith("HJ_") || name === "HJ_INSTALL_PACKAGES";
const environment = Object.fromEntries(Object.entries(process.env).filter(others));

/** How the shell and its scripts say that they could not run a program: a program of tests that fails says 101, or is killed. */
const NOT_RUN = [1, 2, 126, 127];

/** Runs one part; whether a test failed. */
function run({ campaign, program, from, to }, log) {
  const folder = mkdtempSync(join(base, "hellojohn-torture-"));
  chmodSync(folder, 0o755); // a server's own account looks into it
  const command = [
    ...(campaign.server ? [join(root, "tests/postgres/run")] : []),
    program.executable,
    ...campaign.tests,
  ];
  const output = openSync(log, "w");
  const child = spawn(command[0], command.slice(1), {
    cwd: program.folder,
    env: { ...environment, TMPDIR: folder, [campaign.variable]: String(to - from), HJ_FROM: String(from) },
    stdio: ["ignore", output, output],
    detached: true, // a group of its own, which ends as one
  });
  running.add(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      running.delete(child);
      closeSync(output);
      rmSync(folder, { recursive: true, force: true });
      if (NOT_RUN.includes(code)) reject(new Error(`${campaign.name} could not be run: ${log}`));
      else resolve(code !== 0);
    });
  });
}

let isStopped = false;

/** Ends what runs, without a word in the document. A server's script ends its server. */
function stop() {
  isStopped = true;
  for (const child of running) process.kill(-child.pid, "SIGTERM");
}

function write(result) {
  const next = `${document}.${process.pid}`;
  writeFileSync(next, addPart(readFileSync(document, "utf8"), CAMPAIGNS, result));
  renameSync(next, document);
}

const queue = [];
for (const campaign of wanted) {
  const tried = isWritten ? triedAt(readFileSync(document, "utf8"), campaign.name, commit) : [];
  const left = parts(campaign, { ...range, tried });
  if (left.length === 0) console.log(`${campaign.name}: all of it stands in docs/TORTURE.md for ${commit}`);
  queue.push(...left.map((part) => ({ campaign, ...part })));
}
if (!isQuick && !isCommitted)
  console.log("The code is not that of a commit: nothing is written to docs/TORTURE.md.");
const programs = new Map();
for (const part of queue) {
  const args = part.campaign.build;
  const key = args.join(" ");
  if (!programs.has(key)) programs.set(key, build(args));
  part.program = programs.get(key);
}
mkdirSync(logs, { recursive: true });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);

let failures = 0;
async function work() {
  for (let part = queue.shift(); part && !isStopped; part = queue.shift()) {
    const { name } = part.campaign;
    const began = performance.now();
    const log = join(logs, `${name}-${part.from}.log`);
    const failed = await run(part, log);
    if (isStopped) break;
    const seconds = Math.round((performance.now() - began) / 1_000);
    failures += Number(failed);
    const rounds = `${part.from}–${part.to - 1}`;
    console.log(`${name} ${rounds}: ${failed ? "VIOLATED" : "no violation"} in ${seconds} s (${log})`);
    if (!isWritten) continue;
    if (commitOfCode() !== commit) throw new Error("the code was changed by a commit: run the rest anew");
    write({
      name,
      commit,
      from: part.from,
      to: part.to,
      failed,
      seconds,
      date: new Date().toISOString().slice(0, 10),
    });
  }
}
const end = (error) => {
  console.error(error.message);
  stop();
};
await Promise.all(Array.from({ length: jobs }, () => work().catch(end)));
process.exit(failures > 0 || isStopped ? 1 : 0);
