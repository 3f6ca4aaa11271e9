// Bundles with and without the setting that the README shows.
import { rmSync } from "node:fs";
import { join } from "node:path";
import webpack from "webpack";
import { PROGRAM, ROOT, readVersion, runProgram } from "../tools.mjs";

const version = readVersion("webpack");
const BUILD = join(ROOT, "build/webpack");

/** Bundles; resolves to the bundle's path. */
async function bundle(output, options = {}) {
  rmSync(BUILD, { recursive: true, force: true });
  const stats = await new Promise((settle, fail) => {
    webpack(
      {
        context: ROOT,
        entry: PROGRAM,
        target: "node20",
        mode: "production",
        output: { path: BUILD, ...output },
        ...options,
      },
      (error, stats) => (error ? fail(error) : settle(stats)),
    );
  });
  if (stats.hasErrors()) throw new Error(stats.toString({ errorDetails: true }));
  return join(BUILD, output.filename);
}

export const hosts = [
  {
    name: "webpack",
    version,
    way: "bundled to CommonJS, without a setting",
    test: async ({ folder }) =>
      runProgram(process.execPath, [await bundle({ filename: "program.cjs" }), join(folder, "sessions.db")]),
  },
  {
    name: "webpack",
    version,
    way: "bundled to an ES module, without a setting",
    test: async ({ folder }) => {
      const output = { filename: "program.mjs", module: true, chunkFormat: "module" };
      const outfile = await bundle(output, { experiments: { outputModule: true } });
      runProgram(process.execPath, [outfile, join(folder, "sessions.db")]);
    },
  },
  {
    name: "webpack",
    version,
    way: '`externals: { "@hellojohn/node": "commonjs @hellojohn/node" }`',
    test: async ({ folder }) => {
      const externals = { "@hellojohn/node": "commonjs @hellojohn/node" };
      const outfile = await bundle({ filename: "program.cjs" }, { externals });
      runProgram(process.execPath, [outfile, join(folder, "sessions.db")]);
    },
  },
];
