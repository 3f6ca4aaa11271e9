// Refuses to pack a package without its addon, or with one that is for another machine. Usage: node guard.mjs TARGET [FILE]
// It runs by itself before `npm pack` and `npm publish` in a folder of npm/node/platforms.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareVersions, readBinary } from "./binary.mjs";
import { isProgram, NEWEST_GLIBC, PLATFORMS } from "./targets.mjs";

/** An addon is some 13 MB; one that is much smaller lacks most of itself. */
const SMALLEST = 1 << 20;

/** What is wrong with this file as the addon of this target; null if nothing is. */
export function findFault(target, file, { newestGlibc = NEWEST_GLIBC } = {}) {
  const [os, cpu, abi] = target.split("-");
  let bytes;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return `there is no addon at ${file} (${error.code})`;
  }
  if (bytes.length < SMALLEST) return `${file} has ${bytes.length} bytes, too few for an addon`;
  let found;
  try {
    found = readBinary(bytes);
  } catch (error) {
    return `${file} ${error.message}`;
  }
  if (found.os !== os || found.cpu !== cpu)
    return `${file} is for ${found.os}-${found.cpu}, not for ${target}`;
  if (!bytes.includes("napi_register_module_v1")) return `${file} is no addon of Node`;
  if (os === "linux") {
    // musl answers to the name libc.so, too, which linkers write that know no distribution.
    const isMusl = found.needed.some((name) => name.includes("musl") || name === "libc.so");
    if (isMusl !== (abi === "musl"))
      return `${file} needs ${found.needed.join(", ")}, which is not for ${target}`;
    if (found.glibc && compareVersions(found.glibc, newestGlibc) > 0) {
      return `${file} needs the GNU C library ${found.glibc}; at most ${newestGlibc} is allowed`;
    }
  }
  return null;
}

if (isProgram(import.meta.url)) {
  const [target, file = join(PLATFORMS, `${target}/hellojohn.node`)] = process.argv.slice(2);
  const fault = target ? findFault(target, file) : "usage: node guard.mjs TARGET [FILE]";
  if (fault) {
    console.error(`not packed: ${fault}`);
    process.exitCode = 1;
  }
}
