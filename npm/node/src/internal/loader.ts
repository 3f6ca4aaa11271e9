import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import type { Addon } from "./native_types";

/** Names the one addon file to load, instead of the search below. */
const OVERRIDE = "HELLOJOHN_NODE_ADDON";

const ADDON = "hellojohn.node";

const { version } = require("../../package.json") as { version: string };

/** The platforms of this machine; on Linux with either C library, because npm installs only the package that fits. */
function findTargets(): string[] {
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
 * that npm installed beside this one, else, in a bundle, that package or the addon as the program itself finds it.
 * @internal
 */
export function loadAddon(): Addon {
  const tried: string[] = [];
  const attempt = (source: string, load: () => unknown): Addon | undefined => {
    try {
      const addon = load() as Addon;
      if (addon.version() === version) return addon;
      tried.push(`${source}: is version ${addon.version()}, not ${version}`);
    } catch (error) {
      tried.push(`${source}: ${firstLine(error)}`);
    }
    return undefined;
  };
  const attemptFile = (path: string) => attempt(path, () => createRequire(path)(path));

  const override = process.env[OVERRIDE];
  if (override) {
    const addon = attemptFile(resolve(override));
    if (addon) return addon;
    throw loadError(`the addon that ${OVERRIDE} names does not load`, tried);
  }
  // In a bundle as an ES module these names do not exist.
  const folder = typeof __dirname === "string" ? __dirname : null;
  const built = folder === null ? undefined : attemptFile(join(folder, "..", "..", "native", ADDON));
  if (built) return built;
  const targets = findTargets();
  for (const target of targets) {
    const addon = attempt(`@hellojohn/node-${target}`, () => requirePlatform(target));
    if (addon) return addon;
  }
  const program = process.argv[1];
  if (program) {
    const requireFromProgram = createRequire(resolve(program));
    for (const target of targets) {
      const name = `@hellojohn/node-${target}`;
      const addon = attempt(`${name} from ${program}`, () => requireFromProgram(name));
      if (addon) return addon;
    }
    const beside = attemptFile(join(dirname(resolve(program)), ADDON));
    if (beside) return beside;
  }
  throw loadError("no addon for this machine", tried);
}

/** Bundlers and tracers of files follow a literal `require` only, and forgive a missing package inside of `try` only. */
function requirePlatform(target: string): unknown {
  try {
    switch (target) {
      case "darwin-arm64":
        return require("@hellojohn/node-darwin-arm64");
      case "darwin-x64":
        return require("@hellojohn/node-darwin-x64");
      case "linux-arm64-gnu":
        return require("@hellojohn/node-linux-arm64-gnu");
      case "linux-arm64-musl":
        return require("@hellojohn/node-linux-arm64-musl");
      case "linux-x64-gnu":
        return require("@hellojohn/node-linux-x64-gnu");
      case "linux-x64-musl":
        return require("@hellojohn/node-linux-x64-musl");
      case "win32-x64-msvc":
        return require("@hellojohn/node-win32-x64-msvc");
    }
  } catch (cause) {
    throw new Error(firstLine(cause), { cause });
  }
  throw new Error("no package is built for it");
}

/** What an error of any realm says, without the require stack that Node appends. */
function firstLine(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return String(message ?? error).split("\n", 1)[0] ?? "";
}

function loadError(problem: string, tried: string[]): Error {
  const machine = `${process.platform}-${process.arch}, Node ${process.version}`;
  return new Error(
    [
      `@hellojohn/node ${version}: ${problem} (${machine}); tried:`,
      ...tried.map((line) => `  ${line}`),
      'A bundler has to leave the package as it is: serverExternalPackages: ["@hellojohn/node"] in Next, externals in webpack,',
      "external in esbuild, ssr.external in Vite. Where that is not possible, set HELLOJOHN_NODE_ADDON to the file hellojohn.node.",
    ].join("\n"),
  );
}
