// Environments that end during a call, engines that are not closed, processes that exit.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { HelloJohn, ManualClock } from "@hellojohn/node";
import { isFailure, makeFolder, makeTenant, program, sleep, TENANT } from "./fixture.mjs";

test("workers can be terminated during their calls, 200 times", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const hj = makeTenant(t, { database, durability: "normal" });
  await hj.ready();
  let seed = 1;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  async function once(round) {
    const worker = new Worker(program("worker.mjs"), {
      // Every fourth in memory, every third with settings to apply, so that openings are cut short as well.
      workerData: {
        ...TENANT,
        database: round % 4 ? database : ":memory:",
        durability: "normal",
        config: round % 3 ? undefined : { sessionDuration: "30d" },
      },
    });
    await new Promise((go, fail) => {
      worker.once("message", go);
      worker.once("error", fail);
    });
    await sleep(random() * 12);
    await worker.terminate();
  }
  for (let round = 0; round < 200; round += 2) await Promise.all([once(round), once(round + 1)]);
  // The engine of this thread is not affected.
  const { session } = await hj.sessions.create({ userId: "usr_after" });
  assert.equal((await hj.sessions.verify(session.id)).valid, true);
  assert.ok((await hj.stats()).sessions.active > 1);
});

test("process.exit during calls exits with its code, and the file is intact", (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  for (const [start, delay] of [
    ["cold", 0],
    ["cold", 5],
    ["warm", 0],
    ["warm", 1],
    ["warm", 3],
    ["warm", 10],
  ]) {
    for (let round = 0; round < 3; round += 1) {
      const { status, signal, stderr } = run("exit", database, start, String(delay));
      assert.deepEqual([status, signal, stderr], [7, null, ""]);
    }
  }
  const { status, signal, stderr } = run("throw", database);
  assert.deepEqual([status, signal], [1, null]);
  assert.match(stderr, /the host failed/);
  assert.equal(run("idle", database).stdout, "idle\n");
});

test("an idle engine does not keep the process alive; a running call and a close do", (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  for (const [way, output] of [
    ["idle", "idle\n"],
    ["pending", "answered\n"],
    ["closing", "closed\n"],
    ["dropped", "answered\n"],
  ]) {
    const { status, stdout, stderr } = run(way, database);
    assert.deepEqual([way, status, stdout, stderr], [way, 0, output, ""]);
  }
});

function run(...args) {
  return spawnSync(process.execPath, ["--expose-gc", program("exit.mjs"), ...args], { encoding: "utf8" });
}

test("a call during close either succeeds or has no effect", async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
  const witness = makeTenant(t, { database });
  await witness.ready();
  let answered = 0;
  for (let round = 0; round < 20; round += 1) {
    const hj = new HelloJohn({ ...TENANT, database });
    if (round % 2) await hj.ready();
    const calls = Array.from({ length: 64 }, () => hj.sessions.create({ userId: "u" }));
    await sleep(round);
    const late = Promise.all([hj.close(), hj.close()]);
    for (const call of await Promise.allSettled(calls)) {
      if (call.status === "fulfilled") answered += 1;
      else isFailure("engine_closed")(call.reason);
    }
    await late;
  }
  assert.equal((await witness.stats()).sessions.active, answered);
});

test("however the program ends, the database file alone has every answered write", async (t) => {
  for (const way of [
    ...["natural end", "natural end", "natural end", "natural end", "exit", "exit during calls"],
    ...["exit in an exit listener", "an exception", "end of a worker", "exit of a worker"],
    "termination of a worker",
  ]) {
    const folder = makeFolder(t);
    const { status, stderr } = spawnSync(process.execPath, [program("leave.mjs"), way, `${folder}/x.db`], {
      encoding: "utf8",
    });
    assert.deepEqual([way, status], [way, way === "an exception" ? 1 : 0], stderr);
    assert.deepEqual([way, readdirSync(folder)], [way, ["x.db"]]);
    copyFileSync(`${folder}/x.db`, `${folder}/copy.db`);
    const copy = makeTenant(t, { database: `${folder}/copy.db`, tenantId: "tnt_a" });
    const { sessions } = await copy.stats();
    assert.deepEqual([way, sessions.active], [way, way.endsWith("worker") ? 5 : 10]);
    await copy.close();
  }
});

const countDescriptors = () => readdirSync("/dev/fd").length;

test("objects on one file share one engine, in every thread, so that reloading without closing needs no more descriptors", async (t) => {
  const folder = makeFolder(t);
  const database = `${folder}/sessions.db`;
  const first = makeTenant(t, { database });
  await first.ready();
  await first.sessions.list("u");
  const before = countDescriptors();
  symlinkSync(folder, `${folder}/link`);
  const reloaded = [];
  for (let n = 0; n < 24; n += 1) {
    // Other tenants, other ways to the same file, options at their defaults.
    const tenant = n % 2 ? {} : { tenantId: `tnt_${n}` };
    const path = n % 3 ? {} : { database: `${folder}/link/sessions.db` };
    const options = n % 4 ? {} : { durability: "full", tokenCacheCapacity: 8192 };
    const hj = makeTenant(t, {
      database,
      ...tenant,
      ...path,
      ...options,
      config: { idleTimeout: `${n + 1}h` },
    });
    reloaded.push(hj);
    const { session } = await hj.sessions.create({ userId: "u" });
    await hj.sessions.list("u");
    assert.equal((await first.sessions.verify(session.id)).valid, tenant.tenantId === undefined);
  }
  const worker = new Worker(program("worker.mjs"), { workerData: { ...TENANT, database } });
  await new Promise((go) => worker.once("message", go));
  const withWorker = countDescriptors();
  await worker.terminate();
  assert.ok(countDescriptors() <= before + 8, `${before} before, ${countDescriptors()} after`);
  assert.ok(withWorker <= before + 24, `${before} before, ${withWorker} with a worker`);

  // Closing one object leaves the others alone; the last one closes the engine.
  for (const hj of reloaded) await hj.close();
  await assert.rejects(reloaded[1].sessions.list("u"), isFailure("engine_closed"));
  await first.sessions.create({ userId: "u" });
  assert.ok(readdirSync(folder).includes("sessions.db-wal"));
  await first.close();
  assert.deepEqual(readdirSync(folder).sort(), ["link", "sessions.db"]);
});

test("objects with another clock or durability, in memory, or on a file that took the path, have an engine of their own", async (t) => {
  const folder = makeFolder(t);
  const database = `${folder}/sessions.db`;
  const now = makeTenant(t, { database });
  const clock = new ManualClock(Date.now() - 86_400_000);
  const relaxed = makeTenant(t, { database, durability: "normal" });
  const { session } = await relaxed.sessions.create({ userId: "u" });
  assert.equal((await now.sessions.get(session.id)).id, session.id);
  const [inMemory, alsoInMemory] = [makeTenant(t), makeTenant(t)];
  await inMemory.sessions.create({ userId: "u" });
  assert.equal((await alsoInMemory.stats()).sessions.active, 0);

  // The engine's time is the highest that the database has seen, so a late clock shows only in a database of its own.
  const yesterday = makeTenant(t, { database: `${folder}/yesterday.db`, clock });
  assert.equal((await yesterday.sessions.create({ userId: "u" })).session.createdAt.getTime(), clock.now());
  const today = makeTenant(t, { database: `${folder}/yesterday.db` });
  const later = (await today.sessions.create({ userId: "u" })).session;
  assert.ok(later.createdAt.getTime() > clock.now());

  await relaxed.close();
  for (const end of ["", "-wal", "-shm"]) renameSync(`${database}${end}`, `${folder}/moved.db${end}`);
  const another = makeTenant(t, { database });
  assert.equal((await another.stats()).sessions.active, 0);
});
