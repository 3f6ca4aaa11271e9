// Runs the programs in JavaScript, all in one process, each in a folder of its own.
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { place, ROOT } from "./extract.mjs";

const npm = createRequire(join(ROOT, "npm/node/package.json"));

/** What the pages of the guide take as given: the `hj` of the quick start. */
const HJ = `import { HelloJohn } from "@hellojohn/node";
const hj = new HelloJohn({ tenantId: "tnt_acme", secretKey: process.env.HELLOJOHN_SECRET_KEY, database: ":memory:" });
`;

/** `console.log(VALUE); // TEXT` must print the text, where `…` stands for anything. */
function expectOutput(code, file, line) {
  return code
    .split("\n")
    .map((text, index) => {
      const found = /^(\s*)console\.log\((.*)\); \/\/ (.+)$/.exec(text);
      if (!found) return text;
      const [, indent, value, expected] = found;
      return `${indent}globalThis.expectOutput(${JSON.stringify(`${file}:${line + index}`)}, ${JSON.stringify(expected)}, ${value});`;
    })
    .join("\n");
}

function writeProgram(program, folder, port) {
  let isTyped = false;
  const parts = program.blocks.map(({ file, line, kind, code }) => {
    isTyped ||= kind === "ts";
    return `// ${file}:${line}\n${expectOutput(code, file, line)}`;
  });
  const code = parts.join("\n");
  const usesHj = /\bhj\b/.test(code) && !/\b(const|let) hj\b/.test(code);
  const text = `${usesHj ? HJ : ""}${code}`.replaceAll(/\b3000\b/g, `${port}`);
  mkdirSync(folder);
  const plain = isTyped ? npm("esbuild").transformSync(text, { loader: "ts" }).code : text;
  writeFileSync(join(folder, "program.mjs"), plain);
}

/** The programs one after another, in the process that runs this file's second half. */
export function runJavaScript(programs, folder, ports) {
  if (programs.length === 0) return [];
  symlinkSync(join(ROOT, "npm/node_modules"), join(folder, "node_modules"));
  programs.forEach((program, index) => {
    writeProgram(program, join(folder, `${index}`), ports.js);
  });
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(ROOT, "tests/docs/javascript_process.mjs"), folder, `${programs.length}`],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        HELLOJOHN_SECRET_KEY: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
        ...(process.env.HJ_PG ? { HELLOJOHN_DATABASE: process.env.HJ_PG } : {}),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const failures = new Map(
    stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line))
      .map(({ index, failure }) => [index, failure]),
  );
  return programs.map((program, index) => ({
    name: `${place(program)} js`,
    failure: failures.has(index) ? failures.get(index) : `the process ended (${status})\n${stderr}`,
  }));
}

/** Components of pages need a browser to run; that they can be bundled shows that each import is there. */
export function bundle(programs, folder) {
  return programs.map((program, index) => {
    const code = program.blocks.map((block) => block.code).join("\n");
    const file = join(folder, `bundle${index}.tsx`);
    writeFileSync(file, code);
    try {
      npm("esbuild").buildSync({
        entryPoints: [file],
        bundle: true,
        write: false,
        format: "esm",
        jsx: "automatic",
        logLevel: "silent",
        outdir: folder,
        external: ["react", "react/*", "react-dom", "react-dom/*", "next/*"],
        nodePaths: [join(ROOT, "npm/node_modules")],
      });
      return { name: `${place(program)} bundle`, failure: null };
    } catch (error) {
      return { name: `${place(program)} bundle`, failure: `${error}` };
    }
  });
}
