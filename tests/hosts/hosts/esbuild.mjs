// Bundles without any setting: the program stays in its project, so that the addon is found from there.
import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { PROGRAM, ROOT, readVersion, runProgram } from "../tools.mjs";

const version = readVersion("esbuild");
const BUILD = join(ROOT, "build/esbuild");

async function bundle(format, options = {}) {
  rmSync(BUILD, { recursive: true, force: true });
  const outfile = join(BUILD, format === "esm" ? "program.mjs" : "program.cjs");
  // In CommonJS there is no await outside of functions.
  const entry = format === "esm" ? PROGRAM : PROGRAM.replace(/mjs$/, "cjs");
  const args = { entryPoints: [entry], bundle: true, platform: "node", format, outfile, logLevel: "silent" };
  await build({ ...args, ...options });
  return outfile;
}

// What esbuild's documentation says for packages in CommonJS inside of an ES module.
const banner = {
  js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
};

export const hosts = [
  {
    name: "esbuild",
    version,
    way: "bundled to CommonJS, without a setting",
    test: async ({ folder }) =>
      runProgram(process.execPath, [await bundle("cjs"), join(folder, "sessions.db")]),
  },
  {
    name: "esbuild",
    version,
    way: "bundled to an ES module with a `require`",
    test: async ({ folder }) =>
      runProgram(process.execPath, [await bundle("esm", { banner }), join(folder, "sessions.db")]),
  },
  {
    name: "esbuild",
    version,
    way: '`external: ["@hellojohn/node"]`, ES module',
    test: async ({ folder }) => {
      const outfile = await bundle("esm", { banner, external: ["@hellojohn/node"] });
      runProgram(process.execPath, [outfile, join(folder, "sessions.db")]);
    },
  },
  {
    name: "esbuild",
    version,
    way: "a bundle without the addon says what is missing; with the addon beside it, it runs",
    test: async ({ folder }) => {
      const alone = join(folder, "program.cjs");
      copyFileSync(await bundle("cjs"), alone);
      const runAlone = (name, env) =>
        runProgram(process.execPath, [alone, join(folder, name)], { cwd: folder, env });
      assert.throws(
        () => runAlone("first.db"),
        /no addon for this machine[\s\S]*serverExternalPackages[\s\S]*HELLOJOHN_NODE_ADDON/,
      );
      const addon = join(ROOT, "../../npm/node/native/hellojohn.node");
      runAlone("second.db", { HELLOJOHN_NODE_ADDON: addon });
      copyFileSync(addon, join(folder, "hellojohn.node"));
      runAlone("third.db");
    },
  },
];
