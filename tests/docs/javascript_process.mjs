// Imports the programs of a folder one after another: node javascript_process.mjs FOLDER COUNT. Tells of each in a line of JSON.
import { join } from "node:path";
import { format } from "node:util";

const [folder, count] = process.argv.slice(2);
let missed = [];
let printed = [];
console.log = (...values) => printed.push(format(...values));

globalThis.expectOutput = (at, expected, ...values) => {
  const shown = format(...values);
  const parts = expected.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!new RegExp(`^${parts.join(".*")}$`, "s").test(shown)) {
    missed.push(`${at}: printed "${shown}" instead of "${expected}"`);
  }
};

// What fails outside of a promise that the program waits for belongs to the program that runs.
process.on("unhandledRejection", (error) => missed.push(`not caught: ${error?.stack ?? error}`));
process.on("uncaughtException", (error) => missed.push(`not caught: ${error?.stack ?? error}`));

for (let index = 0; index < Number(count); index++) {
  missed = [];
  printed = [];
  process.chdir(join(folder, `${index}`));
  const timer = setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ index, failure: "the program did not end in 20 s" })}\n`);
    process.exit(1);
  }, 20_000);
  try {
    await import(join(folder, `${index}/program.mjs`));
  } catch (error) {
    missed.push(`${error?.stack ?? error}`);
  }
  clearTimeout(timer);
  const failure = missed.length > 0 ? [...missed, ...printed].join("\n") : null;
  process.stdout.write(`${JSON.stringify({ index, failure })}\n`);
}
process.exit(0);
