// Bun has a Node-API of its own.
import { join } from "node:path";
import {
  CLIENT_PROGRAM,
  JUDGE_PROGRAM,
  MODULES,
  PROGRAM,
  PROGRAM_CJS,
  readVersion,
  run,
  runProgram,
} from "../tools.mjs";
import { compareVerdictsOf } from "../verdicts.mjs";

const version = readVersion("bun");
const BUN = join(MODULES, ".bin/bun");

export const hosts = [
  {
    name: "Bun",
    version,
    way: "the program as an ES module and in CommonJS, and `@hellojohn/client`",
    test: async ({ folder }) => {
      runProgram(BUN, ["run", PROGRAM, join(folder, "esm.db")]);
      runProgram(BUN, ["run", PROGRAM_CJS, join(folder, "cjs.db")]);
      runProgram(BUN, ["run", CLIENT_PROGRAM]);
      await compareVerdictsOf(folder, (file) => run(BUN, ["run", JUDGE_PROGRAM, file]));
    },
  },
];
