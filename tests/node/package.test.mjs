// The package as it is published: both module systems, types, tarball, loader.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  backupDatabase,
  checkDatabase,
  copyDatabase,
  HelloJohn,
  HelloJohnError,
  lowerLease,
  ManualClock,
  restoreDatabase,
  verifyEventLog,
} from "@hellojohn/node";
import { makeFolder } from "./fixture.mjs";

const WORKSPACE = fileURLToPath(new URL("../../npm", import.meta.url));
const PACKAGE = join(WORKSPACE, "node");
const bin = (name) => join(WORKSPACE, "node_modules", ".bin", name);
const readJson = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));
const manifest = readJson(PACKAGE, "package.json");
const node = (cwd, ...args) => execFileSync(process.execPath, args, { cwd, encoding: "utf8" });

test("import and require give the same classes", () => {
  assert.deepEqual(
    { ...createRequire(import.meta.url)("@hellojohn/node") },
    {
      HelloJohn,
      HelloJohnError,
      ManualClock,
      backupDatabase,
      checkDatabase,
      copyDatabase,
      lowerLease,
      restoreDatabase,
      verifyEventLog,
    },
  );
});

/** Installs the tarball in an empty folder. */
function installTarball(t) {
  const at = makeFolder(t);
  const [{ filename, files }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", at, PACKAGE], {
      cwd: at,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  );
  writeFileSync(join(at, "package.json"), '{"private": true}\n');
  execFileSync(
    "npm",
    ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", join(at, filename)],
    {
      cwd: at,
      stdio: "ignore",
    },
  );
  return { at, files: files.map(({ path }) => path) };
}

test("the tarball installs into an empty folder, runs in both module systems and types in both resolutions", (t) => {
  const { at, files } = installTarball(t);
  assert.ok(files.includes("native/hellojohn.node"), "built without `make node`?");
  assert.deepEqual(
    files.filter((path) => /(^|\/)(test|node_modules)\//.test(path) || path.endsWith(".js.map")),
    [],
  );
  const use = `
    const hj = new HelloJohn({ tenantId: "tnt_a", secretKey: "sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R", database: ":memory:" });
    hj.sessions.create({ userId: "usr_1" })
      .then(({ session }) => hj.sessions.verify(session.id))
      .then(({ valid }) => { console.log(valid); return hj.close(); });`;
  writeFileSync(join(at, "use.mjs"), `import { HelloJohn } from "@hellojohn/node";${use}`);
  writeFileSync(join(at, "use.cjs"), `const { HelloJohn } = require("@hellojohn/node");${use}`);
  assert.equal(node(at, "use.mjs"), "true\n");
  assert.equal(node(at, "use.cjs"), "true\n");

  // In a project that has the package, by the package's name and by the command's.
  const npx = (...words) => execFileSync("npx", ["--offline", ...words], { cwd: at, encoding: "utf8" });
  assert.equal(npx("@hellojohn/node", "--version"), `hellojohn ${manifest.version}\n`);
  assert.match(npx("hellojohn", "--help"), /^Usage: hellojohn /m);

  const typed = readFileSync(new URL("programs/typed.ts", import.meta.url), "utf8");
  for (const name of ["typed.mts", "typed.cts", "typed.ts"]) writeFileSync(join(at, name), typed);
  for (const [module, resolution, ...names] of [
    ["Node16", "Node16", "typed.mts", "typed.cts"],
    ["ESNext", "Bundler", "typed.ts"],
  ]) {
    const checked = spawnSync(
      bin("tsc"),
      [
        ...["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false", "--types", ""],
        ...["--target", "ES2022", "--module", module, "--moduleResolution", resolution, ...names],
      ],
      { cwd: at, encoding: "utf8" },
    );
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  }
});

test("publint and are-the-types-wrong find nothing", () => {
  for (const [command, ...args] of [
    ["publint", "run", PACKAGE, "--strict", "--pack", "npm"],
    ["attw", "--pack", PACKAGE, "--profile", "node16"],
  ]) {
    const checked = spawnSync(bin(command), args, { cwd: PACKAGE, encoding: "utf8" });
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  }
});

test("package.json has no install script, no dependency at run time and one version, and the lock no registry", () => {
  for (const name of ["preinstall", "install", "postinstall", "prepare"])
    assert.ok(!(name in manifest.scripts));
  assert.ok(!("dependencies" in manifest));
  assert.equal(manifest.engines.node, ">=20");
  for (const { types, ...rest } of Object.values(manifest.exports["."])) {
    assert.ok(types, "types come first");
    assert.deepEqual(Object.keys(rest), ["default"]);
  }
  const cargo = readFileSync(join(WORKSPACE, "../Cargo.toml"), "utf8");
  assert.equal(/^version = "(.*)"$/m.exec(cargo)[1], manifest.version);
  const workspace = readJson(WORKSPACE, "package.json");
  const lock = readJson(WORKSPACE, "package-lock.json");
  for (const entry of Object.values(lock.packages)) {
    // A package of the workspace is a link to its folder.
    if (entry.link) assert.ok(workspace.workspaces.includes(entry.resolved));
    else assert.ok(!("resolved" in entry));
  }
  for (const { devDependencies, "//devDependencies": reasons } of [workspace, manifest])
    assert.deepEqual(Object.keys(reasons), Object.keys(devDependencies));
});

test("platform packages name their platform", () => {
  const platforms = readdirSync(join(PACKAGE, "platforms"));
  const loader = readFileSync(join(PACKAGE, "dist/internal/loader.js"), "utf8");
  assert.ok(platforms.includes("linux-x64-gnu"));
  for (const target of platforms) {
    const platform = readJson(PACKAGE, "platforms", target, "package.json");
    const [os, cpu, abi] = target.split("-");
    assert.equal(platform.name, `@hellojohn/node-${target}`);
    assert.equal(platform.version, manifest.version);
    assert.deepEqual([platform.os, platform.cpu], [[os], [cpu]]);
    assert.deepEqual(platform.libc, { gnu: ["glibc"], musl: ["musl"] }[abi]);
    assert.deepEqual([platform.main, platform.files], ["index.js", ["hellojohn.node", "index.js"]]);
    const script = readFileSync(join(PACKAGE, "platforms", target, "index.js"), "utf8");
    assert.equal(script, readFileSync(join(PACKAGE, "platforms/linux-x64-gnu/index.js"), "utf8"));
    // A literal `require` is what bundlers and tracers of files follow.
    assert.ok(loader.includes(`require("${platform.name}")`), target);
  }
});

test("the loader tries the override, the local build and the platform package, else its error lists them", (t) => {
  const at = makeFolder(t);
  const root = join(at, "node_modules/@hellojohn/node");
  mkdirSync(root, { recursive: true });
  copyFileSync(join(PACKAGE, "package.json"), join(root, "package.json"));
  cpSync(join(PACKAGE, "dist"), join(root, "dist"), { recursive: true });
  const addon = process.env.HELLOJOHN_NODE_ADDON ?? join(PACKAGE, "native/hellojohn.node");
  const load = (override) =>
    spawnSync(process.execPath, ["-e", 'require("@hellojohn/node"); console.log("loaded")'], {
      cwd: at,
      encoding: "utf8",
      env: { PATH: process.env.PATH, ...(override && { HELLOJOHN_NODE_ADDON: override }) },
    });

  const none = load();
  assert.equal(none.status, 1);
  const machine = `${process.platform}-${process.arch}`;
  for (const part of [
    machine,
    process.version,
    join("native", "hellojohn.node"),
    `@hellojohn/node-${machine}`,
    'serverExternalPackages: ["@hellojohn/node"]',
    "HELLOJOHN_NODE_ADDON",
  ]) {
    assert.ok(none.stderr.includes(part), `${part} in ${none.stderr}`);
  }
  assert.equal(load(addon).stdout, "loaded\n");
  // An override that does not load is an error: the loader tries no other file.
  mkdirSync(join(root, "native"));
  copyFileSync(addon, join(root, "native/hellojohn.node"));
  assert.match(load(join(at, "nothing.node")).stderr, /HELLOJOHN_NODE_ADDON names does not load/);
  assert.equal(load().stdout, "loaded\n");

  writeFileSync(join(root, "native/hellojohn.node"), "damaged");
  if (process.platform === "linux") {
    const platform = join(at, `node_modules/@hellojohn/node-${machine}-gnu`);
    cpSync(join(PACKAGE, `platforms/${machine}-gnu`), platform, { recursive: true });
    copyFileSync(addon, join(platform, "hellojohn.node"));
    assert.equal(load().stdout, "loaded\n");
    // An addon of another release.
    writeFileSync(join(root, "package.json"), JSON.stringify({ ...manifest, version: "9.9.9" }));
    assert.match(load().stderr, /is version .*, not 9\.9\.9/);
  }
});
