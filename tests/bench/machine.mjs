// What the numbers were measured on: the machine's shape, never its name or its paths.
import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, fstatSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median time in ms of one fdatasync after a write of a page at the file's end. */
export function syncMs(folder) {
  const path = join(folder, "sync");
  const file = openSync(path, "w");
  const page = Buffer.alloc(4096, 1);
  const times = [];
  for (let n = 0; n < 40; n++) {
    writeSync(file, page);
    const start = performance.now();
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  if (fstatSync(file).size !== 40 * page.length) throw new Error("the pages were not written");
  closeSync(file);
  rmSync(path);
  return median(times);
}

/** The first line that a program prints. */
function says(program, ...args) {
  return execFileSync(program, args, { encoding: "utf8" }).trim().split("\n")[0];
}

export function shape(folder) {
  const cpus = os.cpus();
  return {
    processor: `${cpus.length} × ${cpus[0].model}`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GB`,
    system: `${os.type()} ${os.release()}, ${os.arch()}`,
    "file system": says("stat", "--file-system", "--format=%T", folder),
    "one fdatasync": `${syncMs(folder).toFixed(2)} ms`,
    "load before the run": os.loadavg()[0].toFixed(1),
    Node: process.versions.node,
    rustc: says("rustc", "--version").split(" ")[1],
  };
}

/** The version of an installed Node package. */
export function packageVersion(name) {
  const path = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")).version;
}

/** The version of a crate in a lock file. */
export function crateVersion(lockFile, name) {
  const lock = readFileSync(new URL(lockFile, import.meta.url), "utf8");
  const found = lock.match(new RegExp(`name = "${name}"\nversion = "([^"]+)"`));
  if (!found) throw new Error(`${name} is not in ${lockFile}`);
  return found[1];
}
