// A single executable application: a copy of Node with a bundle inside. The addon lies beside it.
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { MODULES, PROGRAM_CJS, ROOT, run, runProgram } from "../tools.mjs";

const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

async function makeExecutable(folder) {
  const bundle = join(folder, "bundle.cjs");
  await build({
    entryPoints: [PROGRAM_CJS],
    bundle: true,
    platform: "node",
    outfile: bundle,
    logLevel: "silent",
  });
  const [config, blob, executable] = ["sea.json", "sea.blob", "program"].map((name) => join(folder, name));
  const settings = { main: bundle, output: blob, disableExperimentalSEAWarning: true };
  writeFileSync(config, JSON.stringify(settings));
  run(process.execPath, ["--experimental-sea-config", config], { cwd: folder });
  copyFileSync(process.execPath, executable);
  chmodSync(executable, 0o755);
  const postject = join(MODULES, "postject/dist/cli.js");
  run(process.execPath, [postject, executable, "NODE_SEA_BLOB", blob, "--sentinel-fuse", FUSE]);
  return executable;
}

export const hosts = [
  {
    name: "Node's single executable application",
    version: process.versions.node,
    way: "a bundle of esbuild in a copy of Node, `hellojohn.node` beside it",
    test: async ({ folder }) => {
      const executable = await makeExecutable(folder);
      copyFileSync(join(ROOT, "../../npm/node/native/hellojohn.node"), join(folder, "hellojohn.node"));
      runProgram(executable, [join(folder, "sessions.db")], { cwd: folder });
    },
  },
];
