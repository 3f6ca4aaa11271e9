// Compiles and runs the programs in Rust, which are one crate together, and those in C.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { place, ROOT } from "./extract.mjs";

/** The names that `use hellojohn::{…};` brings, so that several blocks may bring the same. */
function takeImports(code, names, others) {
  return code.replaceAll(/^use ([^;]+);\n?/gm, (_, path) => {
    const list = /^hellojohn::(?:\{([^{}]+)\}|(\w+))$/.exec(path.replaceAll(/\s+/g, " "));
    if (!list) others.add(`use ${path};`);
    for (const name of (list?.[1] ?? list?.[2] ?? "").split(",")) if (name.trim()) names.add(name.trim());
    return "\n".repeat(path.split("\n").length);
  });
}

function writeRust(program, index) {
  const isWhole = program.blocks.some(({ code }) => /\bfn main\(/.test(code));
  const name = `${program.file.replaceAll(/\W/g, "_").toLowerCase()}_${index}`;
  const open = `#[allow(unused, clippy::all)]\nmod ${name} {\n`;
  if (isWhole) {
    const code = program.blocks.map((block) => block.code).join("\n");
    return `${open}${code}\n#[test]\nfn runs() {\n    super::must_succeed(main());\n}\n}\n`;
  }
  const names = new Set(["Engine"]);
  const others = new Set();
  const body = program.blocks.map(
    ({ file, line, code }) => `        // ${file}:${line}\n${takeImports(code, names, others)}`,
  );
  const opensOwn = body.some((code) => /let engine\b/.test(code));
  const engine = `let engine = Engine::open(":memory:")?;
        let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;`;
  return `${open}    use hellojohn::{${[...names].sort().join(", ")}};
    ${[...others].join("\n    ")}
    #[test]
    fn runs() -> Result<(), Box<dyn std::error::Error>> {
        let _folder = super::enter_an_empty_folder();
        ${opensOwn ? "" : engine}
${body.join("\n")}
        Ok(())
    }
}
`;
}

/** Compiles all programs as one test, in which each is a function, and runs it. */
export function runRust(programs, folder) {
  if (programs.length === 0) return [];
  const file = join(folder, "blocks.rs");
  writeFileSync(file, programs.map(writeRust).join("\n"));
  const { stdout, stderr, status } = spawnSync(
    "cargo",
    "test --quiet --package hellojohn-tests --features docs --test docs -- --test-threads=1 --format=pretty".split(
      " ",
    ),
    { cwd: ROOT, encoding: "utf8", env: { ...process.env, HJ_DOCS_BLOCKS: file }, maxBuffer: 1 << 26 },
  );
  return programs.map((program, index) => {
    const test = `${program.file.replaceAll(/\W/g, "_").toLowerCase()}_${index}::runs`;
    const passed = stdout.includes(`${test} ... ok`) || stdout.includes(`${test} - should panic ... ok`);
    const text = `cargo test ended with ${status}\n${stdout}\n${stderr}`;
    return { name: `${place(program)} rust`, failure: passed ? null : text };
  });
}

const C_BEGIN = `#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hellojohn.h"
static void must(hj_status status, hj_error **error) {
  if (status == HJ_OK) return;
  fprintf(stderr, "%s: %s\\n", hj_status_name(status), hj_error_detail(*error));
  hj_error_free(*error);
  exit(1);
}
int main(void) {
  hj_error *error = NULL;
  hj_engine *engine = NULL;
  hj_tenant *tenant = NULL;
  must(hj_engine_open(HJ_STR("hellojohn.db"), NULL, &engine, &error), &error);
  must(hj_engine_tenant(engine, HJ_STR("tnt_acme"), HJ_STR("sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"), &tenant, &error), &error);
`;
const C_END = `  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return 0;
}
`;

/** Compiles each program, in C or C++, against the header and the library as a host does, and runs it in an empty folder. */
export function runC(programs, folder, library) {
  return programs.map((program, index) => {
    const parts = program.blocks.map(({ file, line, code }) => `#line ${line} "${file}"\n${code}`).join("\n");
    const isWhole = /\bint main\(/.test(parts);
    const isCpp = program.blocks.some(({ kind }) => kind === "cpp");
    const [compiler, standard, source] = isCpp ? ["c++", "c++17", "program.cpp"] : ["cc", "c99", "program.c"];
    const here = join(folder, `c${index}`);
    mkdirSync(here);
    writeFileSync(join(here, source), isWhole ? parts : `${C_BEGIN}${parts}\n${C_END}`);
    const options = `-std=${standard} -Wall -Wextra -Wpedantic -Werror -I${ROOT}/include -L${library} -Wl,-rpath,${library}`;
    const run = (command, args) => spawnSync(command, args, { cwd: here, encoding: "utf8" });
    for (const [command, args] of [
      [compiler, [...options.split(" "), source, "-o", "program", "-lhellojohn"]],
      [join(here, "program"), []],
    ]) {
      const { status, stdout, stderr, error } = run(command, args);
      if (status !== 0)
        return {
          name: `${place(program)} ${isCpp ? "cpp" : "c"}`,
          failure: `${command}: ${error ?? status}\n${stdout}${stderr}`,
        };
    }
    return { name: `${place(program)} ${isCpp ? "cpp" : "c"}`, failure: null };
  });
}
