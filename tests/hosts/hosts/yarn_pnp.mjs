// Plug'n'Play: no node_modules, packages stay in zip files, a package sees what it declares and nothing else.
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODULES, ROOT, readVersion, run, runProgram } from "../tools.mjs";

const version = readVersion("@yarnpkg/cli-dist");
const YARN = join(MODULES, "@yarnpkg/cli-dist/bin/yarn.js");

export const hosts = [
  {
    name: "Yarn",
    version,
    way: "`nodeLinker: pnp`, the program as an ES module and in CommonJS",
    test: ({ folder, tarballs }) => {
      const files = Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]);
      const { "@hellojohn/node": main, ...platforms } = Object.fromEntries(files);
      const manifest = { private: true, dependencies: { "@hellojohn/node": main }, resolutions: platforms };
      writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
      writeFileSync(join(folder, "yarn.lock"), "");
      writeFileSync(
        join(folder, ".yarnrc.yml"),
        "nodeLinker: pnp\npnpEnableEsmLoader: true\nenableTelemetry: false\nenableGlobalCache: false\nenableImmutableInstalls: false\n",
      );
      cpSync(join(ROOT, "programs"), join(folder, "programs"), { recursive: true });
      const yarn = (...args) => run(process.execPath, [YARN, ...args], { cwd: folder });
      yarn("install");
      if (existsSync(join(folder, "node_modules"))) throw new Error("yarn made node_modules");
      for (const name of ["program.mjs", "program.cjs"]) {
        const args = [YARN, "node", join(folder, "programs", name), join(folder, `${name}.db`)];
        runProgram(process.execPath, args, { cwd: folder });
      }
    },
  },
];
