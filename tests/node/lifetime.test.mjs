// Environments that end during a call, engines that are not closed, processes that exit.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { HelloJohn } from "@hellojohn/node";
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
