// The machines that a release has an addon for: a folder of npm/node/platforms each, and what its addon must be.
// node .ci/release/targets.mjs prints the name of this one.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const PLATFORMS = join(ROOT, "npm/node/platforms");

/** The newest version of the GNU C library that an addon may ask for: Debian 10, RHEL 8 and Ubuntu 20.04 have it. */
export const NEWEST_GLIBC = "2.28";

/** `linux-x64-gnu` and so on. */
export const TARGETS = readdirSync(PLATFORMS).sort();

/** The target of this machine. */
export function findOwnTarget() {
  const { platform, arch } = process;
  if (platform === "linux") {
    const isGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined;
    return `${platform}-${arch}-${isGlibc ? "gnu" : "musl"}`;
  }
  return platform === "win32" ? `${platform}-${arch}-msvc` : `${platform}-${arch}`;
}

/** Whether this module is the program that runs, not one that it imports. */
export function isProgram(url) {
  return process.argv[1] !== undefined && pathToFileURL(process.argv[1]).href === url;
}

if (isProgram(import.meta.url)) console.log(findOwnTarget());
