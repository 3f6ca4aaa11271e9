// What stands between a checkout and a release that is wrong: versions, addons, packages, notes, the list of parts.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compareVersions, readBinary } from "../../.ci/release/binary.mjs";
import { findNotes, release } from "../../.ci/release/changelog.mjs";
import { findCrates, findSqliteVersion } from "../../.ci/release/dependencies.mjs";
import { findFault } from "../../.ci/release/guard.mjs";
import { makeNotices, makeSbom } from "../../.ci/release/sbom.mjs";
import { findOwnTarget, ROOT, TARGETS } from "../../.ci/release/targets.mjs";
import { findDifferences, readVersion } from "../../.ci/release/version.mjs";

const ADDON = join(ROOT, "npm/node/native/hellojohn.node");
const OWN = findOwnTarget();

function makeFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), "hellojohn-release-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("everything has one version", () => {
  assert.deepEqual(findDifferences(), []);
});

test("a differing version is found wherever one stands", () => {
  const found = findDifferences("98.99.97");
  const files = new Set(found.map((line) => line.split(":")[0]));
  for (const file of [
    "Cargo.toml",
    "Cargo.lock",
    "bindings/c/src/version.rs",
    "include/hellojohn.h",
    "core/src/rest/openapi.json",
    "npm/node/package.json",
    "npm/client/package.json",
    "npm/react/package.json",
    "npm/dashboard/package.json",
    "npm/package-lock.json",
    ...TARGETS.map((target) => `npm/node/platforms/${target}/package.json`),
  ]) {
    assert.ok(files.has(file), file);
  }
  assert.ok(
    found.every((line) => !line.includes("no version where")),
    found.join("\n"),
  );
});

test("no file repeats the version without being in the list", () => {
  // Files of the project with the version as a whole word, but for documents and what other projects' versions stand in.
  const version = readVersion();
  const listed = new Set(findDifferences("98.99.97").map((line) => line.split(":")[0]));
  const options = [
    "grep",
    "-l",
    "-w",
    "-F",
    version,
    "--",
    ".",
    ":!*.md",
    ":!tests",
    ":!examples",
    ":!*package-lock.json",
  ];
  const files = execFileSync("git", options, { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  // A comment names a version as an example.
  assert.deepEqual(
    files.filter((file) => !listed.has(file)),
    [],
  );
});

test("versions are ordered by their numbers", () => {
  assert.ok(compareVersions("2.9", "2.28") < 0);
  assert.ok(compareVersions("2.28", "2.28") === 0);
  assert.ok(compareVersions("2.34", "2.28") > 0);
});

test("the local addon is one of this machine and of no other", () => {
  const options = { newestGlibc: "99.0" };
  assert.equal(findFault(OWN, ADDON, options), null);
  for (const target of TARGETS.filter((target) => target !== OWN)) {
    assert.match(findFault(target, ADDON, options), /is for |needs /, target);
  }
  const { glibc } = readBinary(readFileSync(ADDON));
  if (glibc !== null) assert.match(findFault(OWN, ADDON, { newestGlibc: "2.2" }), /needs the GNU C library/);
});

test("an addon that is missing, empty, damaged or no addon is refused", (t) => {
  const folder = makeFolder(t);
  const file = join(folder, "hellojohn.node");
  assert.match(findFault(OWN, file), /there is no addon/);
  writeFileSync(file, "");
  assert.match(findFault(OWN, file), /has 0 bytes/);
  writeFileSync(file, Buffer.alloc(2 << 20));
  assert.match(findFault(OWN, file), /is no compiled library/);
  // Another library of this machine.
  const library = Buffer.from(
    readFileSync(ADDON).toString("latin1").replaceAll("napi_register_module", "xxxx_register_module"),
    "latin1",
  );
  writeFileSync(file, library);
  assert.match(findFault(OWN, file, { newestGlibc: "99.0" }), /is no addon of Node/);
});

test("the formats of the other systems are told apart", () => {
  const mach = Buffer.alloc(64);
  mach.writeUInt32LE(0xfeedfacf, 0);
  mach.writeUInt32LE(0x0100000c, 4);
  assert.deepEqual(readBinary(mach), { os: "darwin", cpu: "arm64", needed: [], glibc: null });
  const windows = Buffer.alloc(512);
  windows.write("MZ", 0, "latin1");
  windows.writeUInt32LE(0x80, 0x3c);
  windows.write("PE\0\0", 0x80, "latin1");
  windows.writeUInt16LE(0x8664, 0x84);
  assert.deepEqual(readBinary(windows), { os: "win32", cpu: "x64", needed: [], glibc: null });
  mach.writeUInt32LE(7, 4);
  assert.throws(() => readBinary(mach), /unknown number 7/);
});

test("npm packs no platform without its addon, and publishes no package of the checkout", () => {
  const empty = TARGETS.find((target) => target !== OWN);
  const packed = spawnSync("npm", ["pack", "--dry-run"], {
    cwd: join(ROOT, "npm/node/platforms", empty),
    encoding: "utf8",
  });
  assert.notEqual(packed.status, 0);
  assert.match(packed.stderr, /not packed: there is no addon/);
  for (const name of ["node", "client", "react"]) {
    const options = ["publish", "--dry-run", "--tag", "never"];
    const published = spawnSync("npm", options, { cwd: join(ROOT, "npm", name), encoding: "utf8" });
    assert.notEqual(published.status, 0);
    assert.match(published.stderr, /not published: publish the tarballs/, name);
  }
});

test("packages are packed with licences, source maps that lead somewhere, and their platforms", (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, "addons", OWN), { recursive: true });
  writeFileSync(join(folder, "addons", OWN, "hellojohn.node"), readFileSync(ADDON));
  const script = join(ROOT, ".ci/release/pack.mjs");
  const options = [script, join(folder, "out"), "--addons", join(folder, "addons")];
  const missing = spawnSync(process.execPath, options, { encoding: "utf8" });
  assert.match(missing.stderr, /not packed:\n/);
  execFileSync(process.execPath, [...options, "--targets", OWN, "--newest-glibc", "99.0"]);
  const packed = JSON.parse(readFileSync(join(folder, "out/packages.json"), "utf8"));
  // What others depend on is published first.
  assert.deepEqual(
    packed.map(({ name }) => name),
    [`@hellojohn/node-${OWN}`, "@hellojohn/client", "@hellojohn/react", "@hellojohn/node"],
  );
  for (const { name, file } of packed) {
    const at = join(folder, name);
    mkdirSync(at, { recursive: true });
    execFileSync("tar", ["-xzf", join(folder, "out", file), "--strip-components=1", "-C", at]);
    const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
    assert.deepEqual([manifest.scripts, manifest.devDependencies], [undefined, undefined]);
    const files = readdirSync(at, { recursive: true }).map((path) => path.replaceAll("\\", "/"));
    for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"])
      assert.ok(files.includes(licence), `${name}: ${licence}`);
    assert.equal(files.includes("hellojohn.node"), name.includes(OWN));
    for (const map of files.filter((path) => path.endsWith(".d.ts.map"))) {
      const { sources } = JSON.parse(readFileSync(join(at, map), "utf8"));
      for (const source of sources)
        assert.ok(files.includes(join(map, "..", source)), `${name}: ${map} names ${source}`);
    }
  }
});

test("the notes of a release are those under its version", () => {
  const before = "# Changelog\n\n## Unreleased\n\n### Added\n\n- This.\n\n## 0.1.0 (2026-01-02)\n\n- That.\n";
  assert.equal(findNotes(before, "0.1.0"), "- That.");
  assert.equal(findNotes(before, "0.1"), null);
  const after = release(before, "0.2.0", "2026-12-01");
  assert.equal(findNotes(after, "0.2.0"), "### Added\n\n- This.");
  assert.equal(findNotes(after, "Unreleased"), null);
  assert.throws(() => release(after, "0.3.0", "2026-12-02"), /nothing stands under Unreleased/);
  assert.throws(() => release(before, "0.1.0", "2026-12-01"), /has 0\.1\.0 already/);
  assert.throws(() => release(before, "0.2.0", "today"), /is no date/);
});

test("the bill of materials names every part, its licence and what it needs, and the notices carry the licences", () => {
  const crates = findCrates();
  const sqlite = findSqliteVersion(crates);
  const sbom = makeSbom(crates, sqlite, "2026-12-01T00:00:00.000Z");
  const refs = sbom.components.map((component) => component["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length);
  const names = sbom.components.map(({ name }) => name);
  for (const name of [
    "hellojohn",
    "rusqlite",
    "libsqlite3-sys",
    "sqlite",
    "ed25519-dalek",
    "napi",
    "@hellojohn/node",
  ]) {
    assert.ok(names.includes(name), name);
  }
  // What only builds or tests is not inside.
  for (const name of ["cbindgen", "proptest", "tempfile", "libtest-mimic", "napi-build", "serde_derive"]) {
    assert.ok(!names.includes(name), name);
  }
  for (const { ref, dependsOn } of sbom.dependencies) {
    assert.ok(ref === "hellojohn" || refs.includes(ref), ref);
    for (const needed of dependsOn) assert.ok(refs.includes(needed), `${ref} needs ${needed}`);
  }
  for (const crate of crates.filter(({ isOurs }) => !isOurs)) {
    assert.ok(crate.licence, crate.name);
    assert.match(crate.checksum, /^[0-9a-f]{64}$/, crate.name);
  }
  const notices = makeNotices(crates, sqlite);
  assert.match(notices, /^curve25519-dalek [0-9.]+ \(.+\) LICENSE/m);
  assert.ok(notices.includes("Redistribution and use in source and binary forms"));
});
