// Installs the package, packed as it is published, and runs a small program inside of the hosts that users run it in.
// Usage: node run.mjs [--quick] [HOST…]     HOST: the name of a file in hosts/
// Without arguments all hosts run, and their versions are written into docs/HOSTS.md.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOwnTarget } from "../../.ci/release/targets.mjs";
import { ROOT, run } from "./tools.mjs";

/** By the file in hosts/; the quick ones first. */
const QUICK = ["jest", "vitest", "esbuild", "webpack", "vite", "next_pages"];
const SLOW = ["next", "sea", "bun", "deno", "workerd", "yarn_pnp"];

const isQuick = process.argv.includes("--quick");
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const names = chosen.length > 0 ? chosen : isQuick ? QUICK : [...QUICK, ...SLOW];

/** Packs the packages as a release does, for this machine: the tarballs by their names. */
function pack(folder) {
  const target = findOwnTarget();
  const addons = join(folder, "addons");
  mkdirSync(join(addons, target), { recursive: true });
  cpSync(join(ROOT, "../../npm/node/native/hellojohn.node"), join(addons, target, "hellojohn.node"));
  const packed = join(folder, "packed");
  const options = ["--addons", addons, "--targets", target, "--newest-glibc", "99.0"]; // a local build needs this machine's
  run(process.execPath, [join(ROOT, "../../.ci/release/pack.mjs"), packed, ...options]);
  const packages = JSON.parse(readFileSync(join(packed, "packages.json"), "utf8"));
  return Object.fromEntries(packages.map(({ name, file }) => [name, join(packed, file)]));
}

/** Whether a folder has what its lock says. */
function isInstalled(folder) {
  const installed = join(folder, "node_modules/.package-lock.json");
  return (
    existsSync(installed) && statSync(installed).mtimeMs > statSync(join(folder, "package-lock.json")).mtimeMs
  );
}

function installHosts() {
  const omits = isQuick ? ["--omit=dev"] : [];
  // A quick install lacks the slow hosts.
  if (!isInstalled(ROOT) || !(isQuick || existsSync(join(ROOT, "node_modules/deno")))) {
    run("npm", ["ci", "--no-fund", "--no-audit", ...omits], { cwd: ROOT });
  }
  const before = join(ROOT, "next15"); // whose hosts are slow ones
  if (!isQuick && !isInstalled(before)) run("npm", ["ci", "--no-fund", "--no-audit"], { cwd: before });
}

/** Has npm install the tarballs as for a user, and puts the outcome beside the hosts. */
function installPackage(folder) {
  const tarballs = pack(folder);
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{"private": true}\n');
  // React, the peer of one of them, is beside the hosts.
  const options = ["--offline", "--legacy-peer-deps", "--no-fund", "--no-audit"];
  run("npm", ["install", ...options, ...Object.values(tarballs)], { cwd: project });
  const installed = join(ROOT, "node_modules/@hellojohn");
  rmSync(installed, { recursive: true, force: true });
  cpSync(join(project, "node_modules/@hellojohn"), installed, { recursive: true });
  // What hosts install by themselves: the package and that of this machine.
  return Object.fromEntries(Object.entries(tarballs).filter(([name]) => name.startsWith("@hellojohn/node")));
}

const folder = mkdtempSync(join(tmpdir(), "hellojohn-hosts-"));
const results = [];
try {
  installHosts();
  const tarballs = installPackage(folder);
  for (const name of names) {
    const { hosts } = await import(`./hosts/${name}.mjs`);
    for (const host of hosts.filter(({ isSlow }) => !(isQuick && isSlow))) {
      const at = join(folder, name, `${results.length}`);
      mkdirSync(at, { recursive: true });
      const start = performance.now();
      let failure = null;
      try {
        await host.test({ folder: at, tarballs });
      } catch (error) {
        failure = error;
      }
      results.push({ ...host, failure });
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${failure ? "not ok" : "ok"} - ${host.name}, ${host.version} (${seconds} s)`);
      if (failure) console.log(`  ${String(failure.stack ?? failure).replaceAll("\n", "\n  ")}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (results.some(({ failure }) => failure)) process.exitCode = 1;
else if (!isQuick && chosen.length === 0) writeTable();

function writeTable() {
  const rows = results.map(({ name, version, way }) => `| ${name} | ${version} | ${way} |`);
  writeFileSync(
    join(ROOT, "../../docs/HOSTS.md"),
    `# Hosts

Written by \`make hosts\`, which packs \`@hellojohn/node\` as it is published, installs it beside each host and runs the
[same program](../tests/hosts/programs/exercise.cjs) there: sessions, tokens, the REST API in a server of \`node:http\`, and the
Fetch handler; in Next, route handlers and a page. Every row passed with these versions, on ${process.platform}-${process.arch} with Node ${process.versions.node}.

| Host | Version | What was run |
|---|---|---|
${rows.join("\n")}
`,
  );
}
