// Installs packed npm packages into an empty folder, as a user of this machine would, and runs the quick start of the documents there.
//   node .ci/release/try_packages.mjs --packed FOLDER                                  what .ci/release/pack.mjs has packed, for all machines
//   node .ci/release/try_packages.mjs --addons FOLDER [--newest-glibc 2.28]            packs them for this machine first
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findPrograms } from "../../tests/docs/extract.mjs";
import { findOwnTarget, NEWEST_GLIBC, ROOT } from "./targets.mjs";
import { readVersion } from "./version.mjs";

const { values } = parseArgs({
  options: {
    packed: { type: "string" },
    addons: { type: "string" },
    "newest-glibc": { type: "string", default: NEWEST_GLIBC },
  },
});
if (!values.packed === !values.addons) throw new Error("give one of --packed and --addons");
const target = findOwnTarget();
const version = readVersion();
const folder = mkdtempSync(join(tmpdir(), "hellojohn-try-"));
const npm = (cwd, ...options) =>
  execFileSync("npm", options, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "inherit"],
  });
try {
  const packed = values.packed ? resolve(values.packed) : join(folder, "packed");
  if (values.addons) {
    const options = [
      "--addons",
      values.addons,
      "--targets",
      target,
      "--newest-glibc",
      values["newest-glibc"],
    ];
    execFileSync(process.execPath, [join(ROOT, ".ci/release/pack.mjs"), packed, ...options], {
      stdio: "inherit",
    });
  }
  // Those of other machines are what npm leaves out by itself once they are in a registry.
  const wanted = ["@hellojohn/client", "@hellojohn/react", "@hellojohn/node", `@hellojohn/node-${target}`];
  const packages = JSON.parse(readFileSync(join(packed, "packages.json"), "utf8"));
  const tarballs = packages.filter(({ name }) => wanted.includes(name)).map(({ file }) => join(packed, file));
  if (tarballs.length !== wanted.length) throw new Error(`${packed} lacks one of ${wanted.join(", ")}`);

  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{"private": true}\n');
  npm(
    project,
    "install",
    "--offline",
    "--ignore-scripts",
    "--no-fund",
    "--no-audit",
    "--legacy-peer-deps",
    ...tarballs,
  );

  const [quickStart] = findPrograms(["docs/start/node.md"]).programs.js;
  writeFileSync(join(project, "quick_start.mjs"), quickStart.blocks.map(({ code }) => code).join("\n"));
  const env = { ...process.env, HELLOJOHN_SECRET_KEY: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA" };
  const shown = execFileSync(process.execPath, ["quick_start.mjs"], { cwd: project, env, encoding: "utf8" });
  process.stdout.write(shown);
  if (!shown.includes("false session_revoked")) throw new Error("the quick start did not run to its end");
  const command = npm(project, "exec", "--offline", "--", "hellojohn", "--version");
  if (command !== `hellojohn ${version}\n`) throw new Error(`the command line says ${command}`);

  const load = createRequire(join(project, "index.js"));
  if (load("@hellojohn/node/openapi.json").info.version !== version)
    throw new Error("openapi.json is of another version");
  if (load("@hellojohn/node/package.json").optionalDependencies[`@hellojohn/node-${target}`] !== version) {
    throw new Error("the package of this machine is no dependency");
  }
  for (const file of wanted.flatMap((name) =>
    ["LICENSE-MIT", "LICENSE-APACHE"].map((licence) => join(name, licence)),
  )) {
    if (!existsSync(join(project, "node_modules", file))) throw new Error(`there is no ${file}`);
  }
  if (!existsSync(join(project, `node_modules/@hellojohn/node-${target}/THIRD_PARTY_LICENSES.txt`))) {
    throw new Error("the addon comes without the licences of what is inside of it");
  }
  console.log(`the packages run on ${target} with Node ${process.versions.node}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
