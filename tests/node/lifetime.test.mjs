// Environments that end in the middle of a call, engines that nobody closes, processes that leave.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { HelloJohn } from "@hellojohn/node";
import { failure, folder, program, sleep, TENANT, tenant } from "./fixture.mjs";

test("workers terminated in the middle of their calls, 200 times", async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const hj = tenant(t, { database, durability: "normal" });
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
  // This thread's engine never noticed.
  const { session } = await hj.sessions.create({ userId: "usr_after" });
  assert.equal((await hj.sessions.verify(session.id)).valid, true);
  assert.ok((await hj.stats()).sessions.active > 1);
});

test("process.exit in the middle of calls leaves with its code, and the file is whole", (t) => {
  const database = `${folder(t)}/sessions.db`;
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

test("an idle engine lets the process end; a call under way and a close do not", (t) => {
  const database = `${folder(t)}/sessions.db`;
  for (const [way, said] of [
    ["idle", "idle\n"],
    ["pending", "answered\n"],
    ["closing", "closed\n"],
    ["dropped", "answered\n"],
  ]) {
    const { status, stdout, stderr } = run(way, database);
    assert.deepEqual([way, status, stdout, stderr], [way, 0, said, ""]);
  }
});

function run(...args) {
  return spawnSync(process.execPath, ["--expose-gc", program("exit.mjs"), ...args], { encoding: "utf8" });
}

test("close in the middle of calls: each is answered, wholly or not at all", async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const witness = tenant(t, { database });
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
      else failure("engine_closed")(call.reason);
    }
    await late;
  }
  assert.equal((await witness.stats()).sessions.active, answered);
});
