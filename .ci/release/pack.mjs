// Packs the npm packages as a release publishes them.
// Usage: node .ci/release/pack.mjs OUT --addons FOLDER [--targets a,b] [--newest-glibc 2.28]
//   FOLDER has TARGET/hellojohn.node for each target; OUT gets the tarballs and packages.json, which lists them in the order in which
//   they are published. The packages and the addon must have been built (make node).

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findCrates, findSqliteVersion } from "./dependencies.mjs";
import { findFault } from "./guard.mjs";
import { makeNotices } from "./sbom.mjs";
import { NEWEST_GLIBC, PLATFORMS, ROOT, TARGETS } from "./targets.mjs";
import { findDifferences, readVersion } from "./version.mjs";

const LICENCES = ["LICENSE-MIT", "LICENSE-APACHE"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    addons: { type: "string" },
    targets: { type: "string", default: TARGETS.join(",") },
    "newest-glibc": { type: "string", default: NEWEST_GLIBC },
  },
});
if (positionals.length !== 1 || !values.addons)
  throw new Error("usage: node .ci/release/pack.mjs OUT --addons FOLDER");
const out = resolve(positionals[0]);
const targets = values.targets.split(",");
const version = readVersion();
const differences = findDifferences(version);
if (differences.length > 0) throw new Error(`not one version:\n${differences.join("\n")}`);
for (const target of targets) if (!TARGETS.includes(target)) throw new Error(`there is no target ${target}`);
const faults = targets
  .map((target) => findFault(target, addonOf(target), { newestGlibc: values["newest-glibc"] }))
  .filter(Boolean);
if (faults.length > 0) throw new Error(`not packed:\n${faults.join("\n")}`);

mkdirSync(out, { recursive: true });
const staging = mkdtempSync(join(tmpdir(), "hellojohn-pack-"));
const packed = [];
try {
  const notices = join(staging, "THIRD_PARTY_LICENSES.txt");
  const crates = findCrates();
  writeFileSync(notices, makeNotices(crates, findSqliteVersion(crates)));
  for (const target of targets) {
    pack(join(PLATFORMS, target), {
      add: { "hellojohn.node": addonOf(target), "THIRD_PARTY_LICENSES.txt": notices },
    });
  }
  pack(join(ROOT, "npm/client"));
  pack(join(ROOT, "npm/react"));
  const optionalDependencies = Object.fromEntries(
    targets.map((target) => [`@hellojohn/node-${target}`, version]),
  );
  pack(join(ROOT, "npm/node"), { without: ["native"], change: { optionalDependencies } });
} finally {
  rmSync(staging, { recursive: true, force: true });
}
writeFileSync(join(out, "packages.json"), `${JSON.stringify(packed, null, 2)}\n`);
for (const { name, file, size } of packed)
  console.log(`${name}@${version} ${file} ${(size / 1e6).toFixed(2)} MB`);

function addonOf(target) {
  return join(resolve(values.addons), target, "hellojohn.node");
}

/** Copies what the package lists, with licences, without what only the checkout needs, and packs that. */
function pack(folder, { add = {}, without = [], change = {} } = {}) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const at = join(staging, manifest.name);
  mkdirSync(at, { recursive: true });
  const files = manifest.files.filter((path) => !without.includes(path.split("/")[0]));
  for (const path of files.filter((path) => !(path in add))) {
    if (!existsSync(join(folder, path))) throw new Error(`${manifest.name} has no ${path}: run make node`);
    cpSync(join(folder, path), join(at, path), { recursive: true, dereference: true });
  }
  for (const [path, source] of Object.entries(add)) {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    copyFileSync(source, join(at, path));
  }
  for (const licence of LICENCES) copyFileSync(join(ROOT, licence), join(at, licence));
  if (existsSync(join(folder, "README.md"))) copyFileSync(join(folder, "README.md"), join(at, "README.md"));
  const { scripts: _, devDependencies: __, "//devDependencies": ___, ...kept } = manifest;
  const published = { ...kept, ...change, files: [...new Set([...files, ...Object.keys(add), ...LICENCES])] };
  writeFileSync(join(at, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  const options = ["pack", "--json", "--ignore-scripts", "--pack-destination", out];
  const [{ filename, size, files: inside }] = JSON.parse(
    execFileSync("npm", options, { cwd: at, encoding: "utf8" }),
  );
  const paths = inside.map(({ path }) => path);
  for (const wanted of ["package.json", ...LICENCES, ...Object.keys(add)]) {
    if (!paths.includes(wanted)) throw new Error(`${filename} lacks ${wanted}`);
  }
  packed.push({ name: manifest.name, file: filename, size });
}
