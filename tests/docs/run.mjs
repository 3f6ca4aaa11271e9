// Runs the blocks of code in the documents. Usage: node run.mjs [--only js,bundle,rust,c,sh] [--needs SERVER] [--library FOLDER] [DOCUMENT…]
// Without documents it runs all of them, but for those that need a server; `--needs postgres` runs exactly those, beside the server that
// HJ_PG names. The addon, the packages and the C library must have been built (make surfaces).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findPort } from "../hosts/tools.mjs";
import { runC, runRust } from "./compiled.mjs";
import { findDocuments, findPrograms, place, ROOT, TESTED_ELSEWHERE } from "./extract.mjs";
import { bundle, runJavaScript } from "./javascript.mjs";
import { runShell } from "./shell.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, needs: { type: "string" }, library: { type: "string" } },
});
const kinds = values.only?.split(",") ?? ["js", "bundle", "rust", "c", "sh"];
const library = resolve(values.library ?? join(ROOT, "build/c"));
const { programs, skipped, read } = findPrograms(positionals.length > 0 ? positionals : findDocuments());
const waiting = Object.values(programs)
  .flat()
  .filter(({ needs }) => needs !== (values.needs ?? null));
for (const kind of Object.keys(programs)) {
  const chosen = programs[kind].filter((program) => kinds.includes(kind) && !waiting.includes(program));
  programs[kind] = chosen;
}

const folder = mkdtempSync(join(tmpdir(), "hellojohn-docs-"));
const results = [];
try {
  const ports = { js: await findPort(), sh: await findPort() };
  results.push(...runJavaScript(programs.js, folder, ports));
  results.push(...bundle(programs.bundle, folder));
  results.push(...runC(programs.c, folder, library));
  results.push(...(await runShell(programs.sh, folder, ports, library)));
  results.push(...runRust(programs.rust, folder));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const { name, failure } of results) {
  console.log(`${failure ? "not ok" : "ok"} - ${name}`);
  if (failure) console.log(`  ${failure.trimEnd().replaceAll("\n", "\n  ")}`);
}
for (const block of skipped) console.log(`not run - ${place(block)} ${block.kind}: ${block.reason}`);
const ran = Object.values(programs).flat();
const blocks = ran.reduce(
  (sum, program) => sum + program.blocks.filter(({ isHidden }) => !isHidden).length,
  0,
);
const failed = results.filter(({ failure }) => failure).length;
console.log(
  `${ran.length - failed} programs of ${blocks} blocks passed, ${failed} failed; ${skipped.length} blocks are not run, for the reasons above; ` +
    `${read} are output and data; ${waiting.length} programs need ${values.needs ? "no server" : "a server"}; ` +
    `${Object.keys(TESTED_ELSEWHERE).join(" and ")} have a test of their own`,
);
if (failed > 0) process.exitCode = 1;
