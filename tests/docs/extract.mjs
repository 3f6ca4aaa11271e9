// Finds the blocks of code in the documents and joins them to programs.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Documents whose blocks another test runs, and which. */
export const TESTED_ELSEWHERE = {
  "docs/CLI.md": "bindings/cli/tests/cli/documents.rs",
  "docs/RUNBOOK.md": "bindings/cli/tests/cli/documents.rs",
};

/** Documents none of whose blocks is run, and why. */
const OVERVIEWS = {
  "docs/SPEC.md":
    "an overview in the form of TypeScript; the compiler checks the declarations of the packages",
};

/** How a block is called in the documents, and what runs it. Blocks of other kinds are for the eye only. */
const RUN_BY = { js: "js", ts: "js", jsx: "bundle", tsx: "bundle", rust: "rust", c: "c", cpp: "c", sh: "sh" };

/** Kinds that are read, not run: `json` must be JSON. */
const FOR_THE_EYE = ["", "text", "json", "http", "console"];

/** The documents, from the root of the project. */
export function findDocuments() {
  const found = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "RELEASING.md"];
  for (const folder of ["docs", "npm", "examples", ".ci/site"]) collect(folder, found);
  return found.sort();
}

function collect(folder, found) {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (["node_modules", "dist", "native", "build"].includes(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) collect(path, found);
    else if (entry.name.endsWith(".md")) found.push(path);
  }
}

/**
 * The blocks of a document, in their order: `{file, line, kind, code, isHidden, reason, needs}`.
 *
 * Comments of HTML, which no reader sees, speak to the tests: `<!-- not run: REASON -->` before a block; `<!-- hidden js` … `-->`
 * holds code that runs at that place; `<!-- new program -->` ends the program so far; `<!-- needs: postgres -->` says that the
 * document's programs need a server; `<!-- in a browser -->` that the next block is bundled and not run.
 */
export function findBlocks(file, text = readFileSync(join(ROOT, file), "utf8")) {
  const blocks = [];
  const lines = text.split("\n");
  let reason = OVERVIEWS[file] ?? null;
  let needs = null;
  let begins = false;
  let isForBrowsers = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const skip = /^\s*<!-- not run: (.+) -->$/.exec(line);
    const hidden = /^(\s*)<!-- hidden (\w+)$/.exec(line);
    const fence = /^(\s*)```(\w*)/.exec(line);
    const needed = /^<!-- needs: (\w+) -->$/.exec(line);
    if (skip) reason = skip[1];
    else if (needed) needs = needed[1];
    else if (line === "<!-- new program -->") begins = true;
    else if (line === "<!-- in a browser -->") isForBrowsers = true;
    else if (hidden || fence) {
      const [, indent, named] = hidden ?? fence;
      const end = `${indent}${hidden ? "-->" : "```"}`;
      const first = at + 1;
      do at++;
      while (at < lines.length && lines[at] !== end);
      if (at === lines.length) throw new Error(`${file}:${first}: the block has no end`);
      const code = lines.slice(first, at).map((inner) => inner.slice(indent.length));
      const kind = isForBrowsers ? "jsx" : named;
      blocks.push({
        file,
        line: first + 1,
        kind,
        code: code.join("\n"),
        isHidden: !!hidden,
        reason,
        needs,
        begins,
      });
      reason = OVERVIEWS[file] ?? null;
      begins = false;
      isForBrowsers = false;
    } else if (line.trim() !== "" && reason !== null && !(file in OVERVIEWS)) {
      throw new Error(`${file}:${at + 1}: "not run" stands before no block of code`);
    }
  }
  return blocks;
}

/** Whether a block is a whole program, so that the ones before it have ended. */
function isWhole({ kind, code }) {
  if (kind === "rust") return /\bfn main\(/.test(code);
  if (kind === "c" || kind === "cpp") return /\bint main\(/.test(code);
  if (kind === "js" || kind === "ts") return /^import .* from /m.test(code);
  return kind === "jsx" || kind === "tsx";
}

/**
 * Blocks of one kind in one document are one program: later ones go on where earlier ones have ended. In JavaScript a block
 * with an import begins a new one; in Rust and C a block with `main` is one by itself.
 * Answers `{programs: {js: [{file, line, needs, blocks}], …}, skipped, read}`.
 */
export function findPrograms(files) {
  const programs = { js: [], bundle: [], rust: [], c: [], sh: [] };
  const skipped = [];
  let read = 0;
  for (const file of files.filter((name) => !(name in TESTED_ELSEWHERE))) {
    const open = {};
    for (const block of findBlocks(file)) {
      const runner = RUN_BY[block.kind];
      if (block.reason !== null) {
        skipped.push(block);
      } else if (runner === undefined) {
        if (!FOR_THE_EYE.includes(block.kind)) {
          throw new Error(`${file}:${block.line}: no test runs "${block.kind}": say why it is not run`);
        }
        if (block.kind === "json") JSON.parse(block.code);
        read += 1;
      } else {
        const whole = isWhole(block);
        const standsAlone = whole && runner !== "js";
        if (block.begins || whole || open[runner] === undefined || open[runner].isClosed) {
          // Code that was hidden before the block with the imports belongs to it.
          const before = open[runner]?.blocks.every(({ isHidden }) => isHidden) ? open[runner] : undefined;
          if (before && !block.begins) {
            before.blocks.push(block);
            before.isClosed = standsAlone;
            continue;
          }
          const { line, needs } = block;
          open[runner] = { file, line, needs, blocks: [], isClosed: standsAlone };
          programs[runner].push(open[runner]);
        }
        open[runner].blocks.push(block);
      }
    }
  }
  return { programs, skipped, read };
}

/** `docs/guide/caps.md:12`, for reports. */
export function place({ file, line }) {
  return `${relative(ROOT, join(ROOT, file))}:${line}`;
}
