// Vite leaves packages as they are, unless it is told otherwise.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { PROGRAM, ROOT, readVersion, runProgram } from "../tools.mjs";

const version = readVersion("vite");
const BUILD = join(ROOT, "build/vite");

async function bundle(ssr) {
  rmSync(BUILD, { recursive: true, force: true });
  await build({
    root: ROOT,
    configFile: false,
    logLevel: "silent",
    build: { ssr: PROGRAM, outDir: BUILD, rollupOptions: { output: { entryFileNames: "program.mjs" } } },
    ssr,
  });
  return join(BUILD, "program.mjs");
}

export const hosts = [
  {
    name: "Vite",
    version,
    way: "a build for the server, which leaves packages as they are",
    test: async ({ folder }) => runProgram(process.execPath, [await bundle({}), join(folder, "sessions.db")]),
  },
  {
    name: "Vite",
    version,
    way: "`ssr.noExternal: true`",
    test: async ({ folder }) =>
      runProgram(process.execPath, [await bundle({ noExternal: true }), join(folder, "sessions.db")]),
  },
];
