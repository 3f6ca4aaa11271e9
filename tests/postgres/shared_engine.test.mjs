// What Node makes of many objects on one URL: `tests/postgres/run node --test tests/postgres/shared_engine.test.mjs`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { isFailure, makeTenant, program, TENANT } from "../node/fixture.mjs";

/** A schema of a test's own: its URL, and how many connections its engines have. */
function makeSchema() {
  const server = process.env.HJ_PG;
  assert.ok(server, "HJ_PG is not set: tests/postgres/run node --test …");
  const name = `hj_node_${randomBytes(6).toString("hex")}`;
  const count = `SELECT count(*) FROM pg_stat_activity WHERE application_name = '${name}'`;
  return {
    url: `${server}?schema=${name}&application_name=${name}&pool_max=3`,
    countConnections: () =>
      Number(execFileSync("psql", [process.env.HJ_PG_SUPER, "-qAtXc", count], { encoding: "utf8" })),
  };
}

test("objects on one URL share one engine, in every thread, so that reloading without closing needs no more connections", async (t) => {
  const { url: database, countConnections } = makeSchema();
  const first = makeTenant(t, { database });
  await first.ready();
  const reloaded = [];
  for (let n = 0; n < 12; n += 1) {
    const tenant = n % 2 ? {} : { tenantId: `tnt_${n}` };
    const options = n % 4 ? {} : { durability: "full", busyTimeout: "5s", tokenCacheCapacity: 8192 };
    const hj = makeTenant(t, { database, ...tenant, ...options });
    reloaded.push(hj);
    const { session } = await hj.sessions.create({ userId: "u" });
    assert.equal((await first.sessions.verify(session.id)).valid, tenant.tenantId === undefined);
  }
  const worker = new Worker(program("worker.mjs"), { workerData: { ...TENANT, database } });
  await new Promise((go) => worker.once("message", go));
  assert.ok(countConnections() <= 3, `${countConnections()} connections`);
  await worker.terminate();

  // Closing one object leaves the others alone; the last one closes the engine and its connections.
  for (const hj of reloaded) await hj.close();
  await assert.rejects(reloaded[1].sessions.list("u"), isFailure("engine_closed"));
  await first.sessions.create({ userId: "u" });
  assert.ok(countConnections() >= 1);
  await first.close();
  while (countConnections() > 0); // the server may take a moment to notice
});

test("objects with more patience, or on another schema, have an engine of their own", async (t) => {
  const { url: database, countConnections } = makeSchema();
  const now = makeTenant(t, { database });
  await now.ready();
  const before = countConnections();
  const patient = makeTenant(t, { database, busyTimeout: "60s" });
  const { session } = await patient.sessions.create({ userId: "u" });
  assert.ok(countConnections() > before);
  assert.equal((await now.sessions.get(session.id)).id, session.id);
  const elsewhere = makeTenant(t, { database: makeSchema().url });
  assert.equal((await elsewhere.stats()).sessions.active, 0);
});
