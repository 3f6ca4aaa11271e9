// Deno has a Node-API of its own.
import { join } from "node:path";
import {
  CLIENT_PROGRAM,
  JUDGE_PROGRAM,
  MODULES,
  PROGRAM,
  PROGRAM_CJS,
  ROOT,
  readVersion,
  run,
  runProgram,
} from "../tools.mjs";
import { compareVerdictsOf } from "../verdicts.mjs";

const version = readVersion("deno");
const DENO = join(MODULES, ".bin/deno");

export const hosts = [
  {
    name: "Deno",
    version,
    way: "the program as an ES module and in CommonJS, and `@hellojohn/client`, `--allow-all`",
    test: async ({ folder }) => {
      const env = { DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" };
      runProgram(DENO, ["run", "--allow-all", PROGRAM, join(folder, "esm.db")], { cwd: ROOT, env });
      runProgram(DENO, ["run", "--allow-all", PROGRAM_CJS, join(folder, "cjs.db")], { cwd: ROOT, env });
      runProgram(DENO, ["run", "--allow-all", CLIENT_PROGRAM], { cwd: ROOT, env });
      await compareVerdictsOf(folder, (file) =>
        run(DENO, ["run", "--allow-all", JUDGE_PROGRAM, file], { cwd: ROOT, env }),
      );
    },
  },
];
