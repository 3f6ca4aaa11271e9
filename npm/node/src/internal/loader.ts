import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Addon } from "./native_types";

/** Names the one addon file to load, instead of the search below. */
const OVERRIDE = "HELLOJOHN_NODE_ADDON";

const { version } = require("../../package.json") as { version: string };

/** The platforms of this machine; on Linux with either C library, because npm installs only the package that fits. */
function targets(): string[] {
  const machine = `${process.platform}-${process.arch}`;
  switch (process.platform) {
    case "linux":
      return [`${machine}-gnu`, `${machine}-musl`];
    case "win32":
      return [`${machine}-msvc`];
    default:
      return [machine];
  }
}

/**
 * Finds the addon: the file that HELLOJOHN_NODE_ADDON names, else a local build in `native/`, else the platform package
 * that npm installed beside this one.
 * @internal
 */
export function loadAddon(): Addon {
  const tried: string[] = [];
  const load = (request: string): Addon | undefined => {
    try {
      const addon = require(request) as Addon;
      if (addon.version() === version) return addon;
      tried.push(`${request}: is version ${addon.version()}, not ${version}`);
    } catch (error) {
      // The first line: Node appends the require stack.
      tried.push(`${request}: ${String(error instanceof Error ? error.message : error).split("\n", 1)[0]}`);
    }
    return undefined;
  };

  const override = process.env[OVERRIDE];
  if (override) {
    const addon = load(resolve(override));
    if (addon) return addon;
    throw loadError(`the addon that ${OVERRIDE} names does not load`, tried);
  }
  const local = join(__dirname, "..", "..", "native", "hellojohn.node");
  const built = existsSync(local) ? load(local) : void tried.push(`${local}: no such file`);
  if (built) return built;
  for (const target of targets()) {
    const addon = load(`@hellojohn/node-${target}`);
    if (addon) return addon;
  }
  throw loadError("no addon for this machine", tried);
}

function loadError(problem: string, tried: string[]): Error {
  const machine = `${process.platform}-${process.arch}, Node ${process.version}`;
  return new Error(`@hellojohn/node ${version}: ${problem} (${machine}); tried:\n  ${tried.join("\n  ")}`);
}
