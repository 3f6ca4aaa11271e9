// Judges access tokens in the runtime of this program. Its argument is a file of {jwks, tokens, tenantId, now}; it prints
// the verdicts.
import { readFileSync } from "node:fs";
import { judgeAll } from "./judge_all.mjs";

console.log(JSON.stringify(await judgeAll(JSON.parse(readFileSync(process.argv[2], "utf8")))));
