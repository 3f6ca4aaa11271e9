// Imports what other systems have written with the program `hellojohn`, and lets their clients exchange what they hold.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import * as peers from "./peers.mjs";

const PROGRAM = process.env.HJ_PROGRAM;
assert.ok(PROGRAM && existsSync(PROGRAM), "HJ_PROGRAM must be the program hellojohn: use tests/import/run");
const KEY = "sk_test_Vq3nT8kLx0cJ5wRzE7uYbA";

/** A folder with a database and its tenant. */
function workspace(context) {
  const folder = mkdtempSync(join(tmpdir(), "hellojohn-import-"));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "key"), KEY);
  writeFileSync(join(folder, "secret"), `${peers.SECRET}\n`);
  const run = (...words) => {
    const environment = {
      HELLOJOHN_TENANT_ID: "tnt",
      HELLOJOHN_SECRET_KEY_FILE: "key",
      PATH: process.env.PATH,
    };
    const ran = spawnSync(PROGRAM, words, { cwd: folder, env: environment, encoding: "utf8" });
    return { code: ran.status, output: ran.stdout, errors: ran.stderr };
  };
  const init = run("init");
  assert.equal(init.code, 0, init.errors);
  return { folder, run };
}

/** Serves the REST API until the test ends; its address. */
async function serve(context, folder) {
  const child = spawn(PROGRAM, ["serve", "--listen", "127.0.0.1:0"], {
    cwd: folder,
    env: { HELLOJOHN_TENANT_ID: "tnt", HELLOJOHN_SECRET_KEY_FILE: "key" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  context.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return line.replace("listening on ", "");
  }
}

async function post(address, path, body) {
  const response = await fetch(`${address}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const seconds = (date) => `${date.toISOString().slice(0, 19)}Z`;

/** Imports the source twice and lets every client exchange its credential. */
async function takeOver(context, { folder, run }, written) {
  const { from, source, living, dead, isSigned, report = {} } = written;
  const words = ["import", "--from", from, "--source", source, "--json"];
  if (isSigned) words.push("--cookie-secret-file", "secret");
  const reportOf = (...more) => {
    const { code, output, errors } = run(...words, ...more);
    assert.equal(code, 0, errors);
    return JSON.parse(output);
  };
  const expected = {
    imported: living.length,
    already_imported: 0,
    over_limits: 0,
    bad_rows: 0,
    expired: 0,
    ...report,
  };
  for (const tried of [reportOf("--dry-run"), reportOf()]) {
    for (const [name, value] of Object.entries(expected)) assert.equal(tried[name], value, name);
  }
  context.diagnostic(`${from}: ${JSON.stringify(reportOf())}`);
  const again = reportOf();
  assert.deepEqual([again.imported, again.already_imported], [0, living.length]);

  const address = await serve(context, folder);
  for (const { credential, userId, createdAt, expiresAt, userAgent, ipAddress, mfaVerified } of living) {
    const adopted = await post(address, "/v1/auth/adopt", { credential });
    assert.equal(adopted.status, 200, JSON.stringify(adopted.body));
    const twice = await post(address, "/v1/auth/adopt", { credential });
    assert.equal(twice.body.refresh_token, adopted.body.refresh_token);
    const response = await fetch(`${address}/v1/sessions/${adopted.body.session_id}`, {
      headers: { authorization: `Bearer ${adopted.body.access_token}` },
    });
    const session = await response.json();
    assert.deepEqual([session.user_id, session.status, session.current], [userId, "active", true]);
    if (createdAt) assert.equal(session.created_at, seconds(createdAt));
    if (expiresAt) assert.equal(session.expires_at, seconds(expiresAt));
    if (userAgent) assert.equal(session.user_agent, userAgent);
    if (ipAddress) assert.equal(session.ip_address, ipAddress);
    assert.equal(session.mfa_verified, mfaVerified ?? false);
    const next = await post(address, "/v1/auth/token/refresh", { refresh_token: adopted.body.refresh_token });
    assert.equal(next.status, 200, JSON.stringify(next.body));
    const late = await post(address, "/v1/auth/adopt", { credential });
    assert.deepEqual([late.status, late.body.error.code], [401, "refresh_token_reused"]);
  }
  for (const credential of dead) {
    const refused = await post(address, "/v1/auth/adopt", { credential });
    assert.deepEqual([refused.status, refused.body.error.code], [401, "refresh_token_invalid"]);
  }
}

const WRITERS = {
  "better-auth": peers.writeBetterAuth,
  "Lucia 3": peers.writeLucia,
  "express-session, better-sqlite3-session-store": peers.writeBetterSqlite3Store,
  "express-session, connect-sqlite3": peers.writeConnectSqlite3,
  "Auth.js": peers.writeAuthJs,
  SuperTokens: peers.writeSuperTokens,
};
for (const [name, write] of Object.entries(WRITERS)) {
  test(`clients of ${name} stay signed in`, async (context) => {
    const place = workspace(context);
    await takeOver(context, place, await write(place.folder));
  });
}

test("a signed cookie is good with its signature only", async (context) => {
  const place = workspace(context);
  const { source, living } = await peers.writeBetterAuth(place.folder);
  const imported = place.run(
    "import",
    "--from",
    "better-auth",
    "--source",
    source,
    "--cookie-secret-file",
    "secret",
  );
  assert.equal(imported.code, 0, imported.errors);
  const address = await serve(context, place.folder);
  const [token] = living[0].credential.split(".");
  for (const credential of [token, `${token}.`, `${living[0].credential.slice(0, -2)}A=`]) {
    const refused = await post(address, "/v1/auth/adopt", { credential });
    assert.equal(refused.body.error.code, "refresh_token_invalid");
  }
});

/** Runs SQL on a database of its own on the server; its URL. */
function serverDatabase(context, sql) {
  const base = process.env.HJ_PG_SUPER;
  assert.ok(base, "HJ_PG_SUPER must name a server: use tests/import/run");
  const name = `old_${process.pid}_${Math.floor(Math.random() * 1e9)}`;
  const psql = (url, text) => {
    const ran = spawnSync("psql", ["--quiet", "--set", "ON_ERROR_STOP=1", url], {
      input: text,
      encoding: "utf8",
    });
    assert.equal(ran.status, 0, ran.stderr);
  };
  psql(base, `CREATE DATABASE ${name}`);
  context.after(() => psql(base, `DROP DATABASE ${name} WITH (FORCE)`));
  // The server's socket stands in the query: the text is no URL to JavaScript.
  const url = base.replace(/\/\w+\?/, `/${name}?`);
  psql(url, sql);
  return url;
}

for (const [name, rows] of Object.entries({ GoTrue: peers.goTrueRows, SuperTokens: peers.superTokensRows })) {
  test(`clients of ${name} on a PostgreSQL server stay signed in`, async (context) => {
    const { sql, ...written } = rows();
    const source = serverDatabase(context, sql);
    await takeOver(context, workspace(context), { ...written, source });
  });
}

test("a source that is damaged, foreign or not there is a clear error", async (context) => {
  const place = workspace(context);
  const { source } = await peers.writeLucia(place.folder);
  const lucia = (path) => ["import", "--from", "lucia", "--source", path, "--json"];
  const bytes = readFileSync(source);
  writeFileSync(join(place.folder, "junk.sqlite"), "junk".repeat(1_000));
  writeFileSync(join(place.folder, "cut.sqlite"), bytes.subarray(0, 4_096 + 100));
  for (const [words, code, problem] of [
    [lucia("nowhere.sqlite"), "storage_io", "cannot be opened"],
    [lucia("junk.sqlite"), "storage_corrupt", "not a database"],
    [lucia("cut.sqlite"), "storage_corrupt", "damaged"],
    [["import", "--from", "supertokens", "--source", source, "--json"], "not_found", "no table session_info"],
    [[...lucia(source), "--table", "other"], "not_found", "no table other"],
    [lucia("postgres://u@127.0.0.1:1/none"), "storage_io", "cannot be reached"],
  ]) {
    const { code: exit, errors } = place.run(...words);
    assert.notEqual(exit, 0, words.join(" "));
    const { error } = JSON.parse(errors);
    assert.equal(error.code, code, errors);
    assert.ok(error.message.includes(problem), errors);
  }
});
