// The database file: who may open it, and what is said when it cannot be opened.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { backupDatabase, checkDatabase, copyDatabase, restoreDatabase } from "@hellojohn/node";
import { isFailure, makeFolder, makeTenant } from "./fixture.mjs";

test("the files of a database have the mode of its access, whatever the mask", async (t) => {
  const before = process.umask(0o022);
  t.after(() => process.umask(before));
  for (const [fileAccess, mode] of [
    [undefined, 0o600],
    ["owner", 0o600],
    ["group", 0o660],
  ]) {
    const database = `${makeFolder(t)}/sessions.db`;
    const hj = makeTenant(t, { database, fileAccess });
    await hj.ready();
    for (const suffix of ["", "-wal", "-shm", "-hj2"]) {
      assert.equal(statSync(database + suffix).mode & 0o777, mode, `${fileAccess} ${suffix}`);
    }
  }
});

test("an error of opening names what the operating system said, and no path", async (t) => {
  const folder = makeFolder(t);
  mkdirSync(`${folder}/folder`);
  for (const [path, reason] of [
    ["folder", "Is a directory (os error 21)"],
    ["missing/sessions.db", "No such file or directory (os error 2)"],
  ]) {
    await assert.rejects(makeTenant(t, { database: `${folder}/${path}` }).ready(), (error) => {
      assert.ok(error.detail.includes(reason), error.detail);
      assert.ok(!error.detail.includes(folder), error.detail);
      return isFailure("storage_io")(error);
    });
  }
});

test("a check reports what it finds, and rejects what it cannot read", async (t) => {
  const folder = makeFolder(t);
  const database = `${folder}/sessions.db`;
  const hj = makeTenant(t, { database });
  await hj.sessions.create({ userId: "u" });
  // Beside the open engine.
  assert.deepEqual(await checkDatabase(database), {
    ok: true,
    problems: [],
    problemCount: 0,
    counts: { tenants: 1, sessions: 1, signingKeys: 2 },
  });
  await hj.close();
  writeFileSync(`${folder}/letter`, "This is a letter, not a database.".repeat(40));
  const report = await checkDatabase(`${folder}/letter`);
  assert.equal(report.ok, false);
  assert.deepEqual(
    report.problems.map(({ kind, object }) => ({ kind, object })),
    [{ kind: "file", object: "file" }],
  );
  for (const [path, code] of [
    [`${folder}/missing`, "storage_io"],
    [folder, "storage_io"],
    [":memory:", "validation_error"],
    ["", "validation_error"],
    ["postgres://localhost/x", "validation_error"],
    [7, "validation_error"],
    [undefined, "validation_error"],
  ]) {
    await assert.rejects(checkDatabase(path), isFailure(code), `${path}`);
  }
  assert.deepEqual(readdirSync(folder).sort(), ["letter", "sessions.db"]);
});

test("a backup tells its progress, replaces no file, and is restored by a policy that must be said", async (t) => {
  const folder = makeFolder(t);
  const [database, backup] = [`${folder}/sessions.db`, `${folder}/backup.db`];
  const hj = makeTenant(t, { database });
  const { session } = await hj.sessions.create({ userId: "u" });
  const told = [];
  await backupDatabase(database, backup, { onProgress: (progress) => told.push(progress) });
  const { copiedBytes, totalBytes } = told.at(-1);
  assert.ok(totalBytes > 0);
  assert.equal(copiedBytes, totalBytes);
  await assert.rejects(backupDatabase(database, backup), isFailure("storage_io"));
  await assert.rejects(backupDatabase(database, ":memory:"), isFailure("validation_error"));
  await assert.rejects(
    backupDatabase(database, `${backup}2`, { onProgress: 1 }),
    isFailure("validation_error"),
  );
  for (const options of [undefined, {}, { policy: undefined }, { policy: "all" }]) {
    await assert.rejects(restoreDatabase(backup, database, options), isFailure("validation_error"));
  }
  await assert.rejects(restoreDatabase(backup, database, { policy: "keep" }), isFailure("storage_busy"));
  await hj.close();
  await restoreDatabase(backup, database, { policy: "end_all" });
  const after = makeTenant(t, { database });
  assert.equal((await after.sessions.get(session.id)).endReason, "restored");
});

test("a restore with a log ends what the log tells of, and tells what it could not do", async (t) => {
  const folder = makeFolder(t);
  const [database, backup, events] = ["sessions.db", "backup.db", "events.jsonl"].map(
    (name) => `${folder}/${name}`,
  );
  const hj = makeTenant(t, { database });
  await hj.config.update({ eventRetention: "90d" });
  const { session: over } = await hj.sessions.create({ userId: "usr_1" });
  const { refreshToken } = await hj.sessions.create({ userId: "usr_2" });
  await backupDatabase(database, backup);
  await hj.sessions.revoke(over.id);
  await hj.sessions.create({ userId: "usr_3" });
  await hj.config.update({ idleTimeout: "30d" });
  await hj.events.export(events);
  const jwks = await hj.jwks();
  await hj.close();
  const whole = { policy: "replay_events", events, jwks };
  for (const options of [
    { ...whole, events: undefined },
    { ...whole, jwks: undefined },
    { ...whole, jwks: {} },
    { ...whole, events: 5 },
    { policy: "keep", events },
    { policy: "end_all", jwks },
  ]) {
    await assert.rejects(restoreDatabase(backup, database, options), isFailure("validation_error"));
  }
  const { exportedAt, ...report } = await restoreDatabase(backup, database, whole);
  assert.ok(exportedAt instanceof Date);
  assert.deepEqual(report, {
    events: 3,
    ended: 1,
    restEnded: false,
    lostSessions: 1,
    undoneUpdates: 0,
    undoneSettings: 1,
    revivedKeys: 0,
    undoneSecretKeys: 0,
  });
  const after = makeTenant(t, { database });
  assert.equal((await after.sessions.get(over.id)).endReason, "revoked");
  await after.sessions.refresh(refreshToken);
});

test("a copy tells its phases, keeps users signed in, and refuses what it would overwrite", async (t) => {
  const folder = makeFolder(t);
  const [from, to] = [`${folder}/sessions.db`, `${folder}/moved.db`];
  const source = makeTenant(t, { database: from });
  const { refreshToken } = await source.sessions.create({ userId: "usr_1" });
  await source.close();
  const told = [];
  const report = await copyDatabase(from, to, { onProgress: (step) => told.push(step) });
  assert.deepEqual([report.tenants, report.sessions, report.events], [1, 1, 0]);
  assert.match(report.checksum, /^[0-9a-f]{64}$/);
  assert.equal(told.at(-1).phase, "verify");
  assert.equal(told.at(-1).rows, told.at(-1).totalRows);
  assert.equal((await copyDatabase(from, to)).changedRows, 0);
  const target = makeTenant(t, { database: to });
  await target.sessions.refresh(refreshToken);
  await target.close();
  await assert.rejects(copyDatabase(from, to), isFailure("validation_error", "to"));
  await assert.rejects(copyDatabase(from, from), isFailure("validation_error", "to"));
  await assert.rejects(copyDatabase(":memory:", to), isFailure("validation_error", "from"));
  await assert.rejects(copyDatabase(`${folder}/missing.db`, to), isFailure("storage_io"));
  await assert.rejects(
    copyDatabase(from, to, { onProgress: 1 }),
    isFailure("validation_error", "onProgress"),
  );
});

test("an option about files is refused with a URL, and no error shows its password", async (t) => {
  const database = "postgres://user:hunter2@127.0.0.1:1/x";
  for (const [option, name] of [
    [{ fileAccess: "group" }, "fileAccess"],
    [{ allowNetworkFileSystem: true }, "allowNetworkFileSystem"],
  ]) {
    await assert.rejects(makeTenant(t, { database, ...option }).ready(), (error) => {
      assert.ok(!`${error.stack} ${error.cause}`.includes("hunter2"));
      return isFailure("validation_error", name)(error);
    });
  }
  await assert.rejects(checkDatabase(database), isFailure("validation_error", "database"));
});
