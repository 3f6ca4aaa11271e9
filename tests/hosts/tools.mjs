// What the hosts' tests share.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL(".", import.meta.url));
export const MODULES = join(ROOT, "node_modules");
export const PROGRAM = join(ROOT, "programs/program.mjs");
export const PROGRAM_CJS = join(ROOT, "programs/program.cjs");
export const CLIENT_PROGRAM = join(ROOT, "programs/client.mjs");
export const JUDGE_PROGRAM = join(ROOT, "programs/judge.mjs");

/** What the programs print. */
const RAN = "the program ran";

/** Without what would name another addon or disturb a host. */
export const ENVIRONMENT = Object.fromEntries(
  Object.entries({ ...process.env, CI: "1", NO_COLOR: "1" }).filter(
    ([name]) => !/^(HELLOJOHN_|NODE_OPTIONS$|NODE_ENV$|FORCE_COLOR$)/.test(name),
  ),
);

/** The version that is installed. */
export function readVersion(name) {
  return JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8")).version;
}

/** Runs a command; returns its output, or throws with all of it. */
export function run(command, args, { env, ...options } = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 1 << 26,
    env: { ...ENVIRONMENT, ...env },
    ...options,
  });
  if (error) throw error;
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")}: ${signal ?? `exit ${status}`}\n${stdout}\n${stderr}`);
  }
  return stdout;
}

/** Runs a program in a host; it must say that it ran. */
export function runProgram(command, args, options) {
  const output = run(command, args, options);
  if (!output.includes(RAN)) throw new Error(`${command} ${args.join(" ")} printed:\n${output}`);
}

/** A port that is free now. */
export async function findPort() {
  const server = createServer();
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  const { port } = server.address();
  await new Promise((go) => server.close(go));
  return port;
}

/** Starts a server and runs `use` with it as soon as it has printed `ready`; ends it afterwards, with its children. */
export async function withServer(command, args, { env, ready, ...options }, use) {
  const server = spawn(command, args, {
    env: { ...ENVIRONMENT, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...options,
  });
  let output = "";
  const gone = new Promise((go) => server.once("close", go));
  try {
    await new Promise((go, fail) => {
      for (const stream of [server.stdout, server.stderr]) {
        stream.on("data", (chunk) => {
          output += chunk;
          if (output.includes(ready)) go();
        });
      }
      server.once("error", fail);
      gone.then(() => fail(new Error(`the server ended:\n${output}`)));
    });
    await use(server);
  } catch (error) {
    throw new Error(`${error.stack ?? error}\nThe server printed:\n${output}`);
  } finally {
    try {
      process.kill(-server.pid);
    } catch {
      // It has ended already.
    }
    await gone;
  }
}
