// Measures every row and writes docs/BENCHMARKS.md.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PACES } from "./duel.mjs";
import { crateVersion, packageVersion, shape } from "./machine.mjs";
import { GROUPS, plain, withGroup } from "./report.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    /** Only these groups of rows, separated by commas; writes no document. */
    only: { type: "string" },
    /** Puts them into the document all the same. */
    keep: { type: "boolean", default: false },
    /** The programs of rust/ and tower/. */
    rust: { type: "string" },
    tower: { type: "string" },
  },
});
const mode = options.quick ? "quick" : "full";

const NODE_PEERS = {
  jose: "./peers/jose.mjs",
  "fast-jwt": "./peers/fast_jwt.mjs",
  "by hand": "./peers/by_hand.mjs",
  "pg by hand": "./peers/pg_by_hand.mjs",
  "better-auth": "./peers/better_auth.mjs",
  lucia: "./peers/lucia.mjs",
  "express-session": "./peers/express_session.mjs",
  "Express and Fastify": "./peers/web_servers.mjs",
};

/** Crates of the Rust rows: what they are compared with, and what they lack. */
const RUST_PEERS = [
  {
    name: "ed25519-dalek",
    lock: "rust/Cargo.lock",
    crates: ["ed25519-dalek"],
    lacks: "a limit, not a peer: the bare signature, no token around it",
  },
  {
    name: "rusqlite",
    lock: "rust/Cargo.lock",
    crates: ["rusqlite"],
    lacks: "a limit, not a peer: one prepared statement in its own transaction, no rule around it",
  },
  {
    name: "tower-sessions",
    lock: "tower/Cargo.lock",
    crates: ["tower-sessions-core", "tower-sessions-sqlx-store"],
    lacks:
      "knows no users: no list of a user's sessions; keeps session ids, which are its credentials, readable in its table; no " +
      "tokens, no rotation, no cap; runs in a process of its own here, because its SQLite cannot be linked beside ours",
  },
];

/** Why a peer did not load, without the paths of this machine. */
function reason(error) {
  const [, absent] = /Cannot find package '([^']+)'/.exec(error.message) ?? [];
  return absent ? `npm did not install ${absent}` : `it does not load: ${error.code ?? error.name}`;
}

async function installedPeers() {
  const modules = {};
  const found = [];
  for (const [name, path] of Object.entries(NODE_PEERS)) {
    try {
      const module = await import(path);
      const versions = Object.fromEntries(module.about.packages.map((peer) => [peer, packageVersion(peer)]));
      modules[name] = module;
      found.push({ ...module.about, versions });
    } catch (error) {
      found.push({ name, versions: {}, missing: reason(error) });
    }
  }
  for (const { name, lock, crates, lacks } of RUST_PEERS) {
    const versions = Object.fromEntries(crates.map((crate) => [crate, crateVersion(lock, crate)]));
    const missing = name === "tower-sessions" && !options.tower ? "its program did not build" : undefined;
    found.push({ name, versions, lacks, missing });
  }
  return { modules, found };
}

/** The rows of a part of the Rust program: one JSON object a line. */
async function* rustRows(part, folder) {
  if (!options.rust) throw new Error("where is the program of rust/? --rust PROGRAM");
  const program = spawn(options.rust, [mode, folder, part, ...(options.tower ? [options.tower] : [])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve, reject) => program.once("error", reject).once("exit", resolve));
  for await (const line of createInterface({ input: program.stdout })) yield JSON.parse(line);
  const code = await ended;
  if (code !== 0) throw new Error(`the Rust rows ended with ${code}`);
}

/** Runs `measure` on an empty folder on the disk of the checkout. */
async function inFolder(measure) {
  mkdirSync(here("../../target/bench"), { recursive: true });
  const folder = mkdtempSync(here("../../target/bench/run-"));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function rowsOf(group, context) {
  const [name, part] = group.split("/");
  const measure = part ? rustRows(part, context.folder) : (await import(`./rows/${name}.mjs`))[name](context);
  const rows = [];
  for await (const row of measure) {
    rows.push(row);
    console.log(plain(row));
  }
  return rows;
}

const groups = options.only?.split(",") ?? Object.keys(GROUPS);
const unknown = groups.find((group) => !(group in GROUPS));
if (unknown) throw new Error(`no group ${unknown}: ${Object.keys(GROUPS).join(", ")}`);
const { modules, found: peers } = await installedPeers();
for (const { name, missing } of peers) if (missing) console.log(`${name} is missing: ${missing}`);
const path = join(here("../.."), "docs", "BENCHMARKS.md");
for (const group of groups) {
  await inFolder(async (folder) => {
    const machine = shape(folder);
    const rows = await rowsOf(group, { pace: PACES[mode], mode, folder, peers: modules });
    const measured = { mode, machine, rows, peers };
    if (!options.only || options.keep) {
      const document = existsSync(path) ? readFileSync(path, "utf8") : "";
      writeFileSync(path, withGroup(document, group, measured));
    }
  });
}
