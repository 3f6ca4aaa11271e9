// Bun has a Node-API of its own.
import { join } from "node:path";
import { CLIENT_PROGRAM, MODULES, PROGRAM, PROGRAM_CJS, readVersion, runProgram } from "../tools.mjs";

const version = readVersion("bun");
const BUN = join(MODULES, ".bin/bun");

export const hosts = [
  {
    name: "Bun",
    version,
    way: "the program as an ES module and in CommonJS, and `@hellojohn/client`",
    test: ({ folder }) => {
      runProgram(BUN, ["run", PROGRAM, join(folder, "esm.db")]);
      runProgram(BUN, ["run", PROGRAM_CJS, join(folder, "cjs.db")]);
      runProgram(BUN, ["run", CLIENT_PROGRAM]);
    },
  },
];
