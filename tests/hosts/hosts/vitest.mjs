// Vitest's fake timers replace what Node's modules export, too.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODULES, ROOT, readVersion, run } from "../tools.mjs";

const version = readVersion("vitest");

/** `fakeTimers`: where the test calls `vi.useFakeTimers()`; before the package is loaded, or after. */
function runVitest(folder, fakeTimers) {
  const load = `const hellojohn = await import(${JSON.stringify(join(MODULES, "@hellojohn/node/index.mjs"))});`;
  const fake = "vi.useFakeTimers();";
  writeFileSync(
    join(folder, "program.test.mjs"),
    `import { expect, test, vi } from ${JSON.stringify(join(MODULES, "vitest/dist/index.js"))};
import { exercise } from ${JSON.stringify(join(ROOT, "programs/exercise.cjs"))};
${{ never: load, before: `${fake}\n${load}`, after: `${load}\n${fake}` }[fakeTimers]}
test("the program runs", async () => {
  expect(await exercise(hellojohn, ${JSON.stringify(join(folder, "sessions.db"))})).toBe("the program ran");
}, 60_000);
`,
  );
  run(process.execPath, [join(MODULES, "vitest/vitest.mjs"), "run", "--root", folder], { cwd: ROOT });
}

export const hosts = [
  { name: "Vitest", version, way: "as it is", test: ({ folder }) => runVitest(folder, "never") },
  {
    name: "Vitest",
    version,
    way: "`vi.useFakeTimers()` after the import",
    test: ({ folder }) => runVitest(folder, "after"),
  },
  {
    name: "Vitest",
    version,
    way: "`vi.useFakeTimers()` before the import",
    test: ({ folder }) => runVitest(folder, "before"),
  },
];
