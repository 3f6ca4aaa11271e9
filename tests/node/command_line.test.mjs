// The command line as `npx @hellojohn/node` runs it: streams, exit codes and signals are those of the program.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { HelloJohn } from "@hellojohn/node";
import { makeFolder, TENANT } from "./fixture.mjs";

const manifest = JSON.parse(readFileSync(new URL("../../npm/node/package.json", import.meta.url), "utf8"));
const PROGRAM = fileURLToPath(new URL(`../../npm/node/${manifest.bin.hellojohn}`, import.meta.url));

/** A folder with a tenant, in which commands run. */
async function makeShell(t) {
  const cwd = makeFolder(t);
  const hj = new HelloJohn({ ...TENANT, database: `${cwd}/hellojohn.db` });
  t.after(() => hj.close());
  await hj.ready();
  const env = {
    ...process.env,
    HELLOJOHN_TENANT_ID: TENANT.tenantId,
    HELLOJOHN_SECRET_KEY: TENANT.secretKey,
  };
  const run = (words, input = "") =>
    spawnSync(process.execPath, [PROGRAM, ...words], { cwd, env, input, encoding: "utf8" });
  const start = (words) => {
    const command = spawn(process.execPath, [PROGRAM, ...words], {
      cwd,
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.after(() => command.kill("SIGKILL"));
    return command;
  };
  return { hj, run, start };
}

test("commands answer on the standard output, beside a host, with the program's exit codes", async (t) => {
  const { hj, run } = await makeShell(t);
  const { accessToken, session } = await hj.sessions.create({ userId: "usr_1" });
  const listed = run(["sessions", "list", "--json"]);
  assert.deepEqual([listed.status, listed.stderr], [0, ""]);
  assert.equal(JSON.parse(listed.stdout).data[0].id, session.id);
  const piped = run(["token", "verify", "--json"], accessToken);
  assert.deepEqual([piped.status, JSON.parse(piped.stdout).valid], [0, true]);
  const revoked = run(["sessions", "revoke", session.id, "--json"]);
  assert.equal(revoked.status, 0, revoked.stderr);
  assert.equal((await hj.verifyTokenRemote(accessToken)).error.code, "session_revoked");
  assert.equal(run(["token", "verify"], accessToken).status, 1);
  const version = run(["--version"]);
  assert.deepEqual([version.status, version.stdout], [0, `hellojohn ${manifest.version}\n`]);
});

test("a backup is made and checked beside a host, and a damaged one is found", async (t) => {
  const { hj, run } = await makeShell(t);
  await hj.sessions.create({ userId: "usr_1" });
  const made = run(["backup", "copy.db", "--json"]);
  assert.equal(made.status, 0, made.stderr);
  for (const file of [[], ["copy.db"]]) {
    const sound = run(["check", ...file, "--json"]);
    assert.equal(sound.status, 0, sound.stderr);
    const { ok, counts } = JSON.parse(sound.stdout);
    assert.deepEqual([ok, counts.sessions], [true, 1]);
  }
  const copy = `${makeFolder(t)}/copy.db`;
  writeFileSync(copy, Buffer.alloc(8192, 0xff));
  const damaged = run(["check", copy, "--json"]);
  assert.equal(damaged.status, 1, damaged.stderr);
  assert.equal(JSON.parse(damaged.stdout).problems.length, 1);
});

test("errors are told on the standard error, as a text or as JSON, with the program's exit codes", async (t) => {
  const { run } = await makeShell(t);
  const mistyped = run(["sesions"]);
  assert.deepEqual([mistyped.status, mistyped.stdout], [2, ""]);
  assert.match(mistyped.stderr, /sesions/);
  const unknown = run(["sessions", "get", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "--json"]);
  assert.deepEqual([unknown.status, unknown.stdout], [1, ""]);
  assert.equal(JSON.parse(unknown.stderr).error.code, "session_not_found");
  const missing = run(["stats", "--database", "gone.db"]);
  assert.equal(missing.status, 3);
  assert.match(missing.stderr, /storage_io/);
  const help = run(["--help"]);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^Usage: hellojohn /m);
});

test("an output that is longer than a pipe holds arrives whole", async (t) => {
  const { run } = await makeShell(t);
  const { status, stdout } = run(["completions", "bash"]);
  assert.equal(status, 0);
  assert.ok(stdout.length > 65_536, `${stdout.length}`);
  assert.match(stdout.trimEnd().split("\n").at(-1), /^fi$/);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  test(`serve answers requests and ends well at ${signal}`, async (t) => {
    const { start } = await makeShell(t);
    const server = start(["serve", "--listen", "127.0.0.1:0", "--json"]);
    const ended = once(server, "exit");
    const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
    const answer = await fetch(`${JSON.parse((await lines.next()).value).listening}/healthz`);
    assert.equal(answer.status, 200);
    await answer.text();
    server.kill(signal);
    assert.deepEqual(JSON.parse((await lines.next()).value), { stopped: true });
    assert.deepEqual(await ended, [0, null]);
  });

  test(`a command that reads its input is ended by ${signal}`, async (t) => {
    const { start } = await makeShell(t);
    const reading = start(["import", "--source", "-"]);
    const ended = once(reading, "exit");
    // More than a pipe holds: when all of it is taken, the command has begun to read.
    await new Promise((taken) => reading.stdin.write("\n".repeat(262_144), taken));
    reading.kill(signal);
    assert.deepEqual(await ended, [null, signal]);
  });
}
