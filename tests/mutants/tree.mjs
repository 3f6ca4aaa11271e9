// A copy of the workspace that mutants are written into, and what cargo makes of it.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const tree = join(root, "build/mutants/tree");
const target = join(root, "build/mutants/target");

const originals = new Map();

/** A file as it was when it was first asked for: work on the sources while mutants are tried changes no mutant. */
export function original(file) {
  if (!originals.has(file)) originals.set(file, readFileSync(join(root, file), "utf8"));
  return originals.get(file);
}

/** Leaves a file alone that is so already, so that cargo need not build it again. */
export function write(file, text) {
  const path = join(tree, file);
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

export function copyWorkspace() {
  rmSync(tree, { recursive: true, force: true });
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const file of files.split("\0").filter(Boolean)) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file), { preserveTimestamps: true, verbatimSymlinks: true });
  }
}

function cargo(args) {
  const env = { ...process.env, CARGO_TARGET_DIR: target, CARGO_PROFILE_DEV_DEBUG: "0" };
  const options = { cwd: tree, env, encoding: "utf8", maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "pipe"] };
  // The code under test is run hundreds of times.
  const faster = ["--config", "profile.dev.package.hellojohn.opt-level=1"];
  const { status, stdout, stderr } = spawnSync(
    "cargo",
    [...faster, ...args, "--message-format", "json"],
    options,
  );
  const messages = stdout.split("\n").filter((line) => line.startsWith("{"));
  return { succeeds: status === 0, messages: messages.map((line) => JSON.parse(line)), stderr };
}

/** The errors of core, each with file and line. */
export function check() {
  const { succeeds, messages, stderr } = cargo([
    "check",
    "--package",
    "hellojohn",
    "--features",
    "axum,postgres,tracing",
  ]);
  const errors = messages.filter(({ message }) => message?.level === "error" && message.spans.length > 0);
  if (!succeeds && errors.length === 0) throw new Error(stderr);
  return errors.map(({ message }) => {
    const span = message.spans.find((one) => one.is_primary) ?? message.spans[0];
    return { file: span.file_name, line: span.line_start, text: message.message };
  });
}

/**
 * Builds the unit tests of core and these other tests: the program of each by its name; `hellojohn` are the unit tests. Nothing if
 * they do not compile, as with a constant that `check` does not work out.
 */
export function build(tests) {
  const named = tests.flatMap((test) => ["--test", test]);
  const packages = ["--package", "hellojohn", "--package", "hellojohn-tests"];
  const { succeeds, messages, stderr } = cargo(["test", "--no-run", "--lib", ...named, ...packages]);
  if (!succeeds && messages.some(({ message }) => message?.level === "error")) return null;
  if (!succeeds) throw new Error(stderr);
  const built = messages.filter(({ executable, profile }) => executable && profile.test);
  return Object.fromEntries(built.map(({ target: { name }, executable }) => [name, executable]));
}

/** Runs tests with one mutant: `passed`, `failed`, or `hangs` after so many ms. Ends with the first failure. */
export function run(programs, { units, skip, test, only, env, limit }, number) {
  const args = [...(units ?? only ?? []), ...(skip ?? []).flatMap((name) => ["--skip", name])];
  const cwd = join(tree, units ? "core" : "tests");
  const child = spawn(programs[test ?? "hellojohn"], [...args, "--test-threads", "2"], {
    cwd,
    // A failure is enough; its smallest form is not asked for.
    env: {
      ...process.env,
      PROPTEST_MAX_SHRINK_ITERS: "0",
      ...env,
      HJ_MUTANT: String(number),
      CARGO_MANIFEST_DIR: cwd,
    },
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  return new Promise((resolve) => {
    let [output, early] = ["", null];
    const end = (outcome) => {
      early ??= outcome;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has just ended by itself.
      }
    };
    const tooLong = setTimeout(end, limit, "hangs");
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (/^test .* \.\.\. FAILED$/m.test(output)) end("failed");
    });
    child.on("close", (code) => {
      clearTimeout(tooLong);
      end();
      const failed = /^test (.*) \.\.\. FAILED$/m.exec(output)?.[1];
      resolve({
        outcome: early ?? (code === 0 ? "passed" : "failed"),
        by: failed,
        ran: / (\d+) passed/.exec(output)?.[1],
      });
    });
  });
}
