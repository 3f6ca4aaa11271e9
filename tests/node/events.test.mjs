// Following events, consuming them under a name, sealing, exporting and checking them; maintenance.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { HelloJohn, ManualClock, verifyEventLog } from "@hellojohn/node";
import { makeFolder } from "./fixture.mjs";

const SECRET = "sk_test_Vq3nT8kLx0cJ5wRzE7uYbA";

function open(database, options = {}) {
  return new HelloJohn({
    tenantId: "tnt_events",
    secretKey: SECRET,
    database,
    config: { eventRetention: "90d" },
    ...options,
  });
}

test("a stream follows the events of this object and of another engine", async (t) => {
  const database = join(makeFolder(t), "s.db");
  const [hj, other] = [open(database), open(database, { issuer: "https://other.example" })];
  t.after(() => Promise.all([hj.close(), other.close()]));
  await hj.sessions.create({ userId: "usr_0" });
  const seen = [];
  const following = (async () => {
    for await (const event of hj.events.stream({ types: ["session.created"] })) {
      seen.push([event.userId, event.actor]);
      if (seen.length === 1) await hj.sessions.create({ userId: "usr_1" });
      if (seen.length === 2) await other.withActor("admin:ada").sessions.create({ userId: "usr_2" });
      if (seen.length === 3) return;
    }
  })();
  await following;
  assert.deepEqual(seen, [
    ["usr_0", null],
    ["usr_1", null],
    ["usr_2", "admin:ada"],
  ]);
});

test("a consumer gets each event in order, again after its handler failed, and goes on after a restart", async (t) => {
  const database = join(makeFolder(t), "s.db");
  let hj = open(database);
  for (const userId of ["usr_1", "usr_2", "usr_3"]) await hj.sessions.create({ userId });
  const seen = [];
  let failures = 1;
  const until = (count) =>
    new Promise((reached) => {
      const handle = (event) => {
        seen.push(event.seq);
        if (event.seq === 2 && failures-- > 0) throw new Error("not yet");
        if (seen.length >= count) reached();
      };
      until.consumer = hj.events.consume("mail", handle);
    });
  await until(3);
  await until.consumer.stop();
  assert.deepEqual(seen, [1, 2, 2]);
  await hj.close();

  hj = open(database);
  t.after(() => hj.close());
  await until(5);
  await until.consumer.stop();
  assert.deepEqual(seen, [1, 2, 2, 3, 4]);
});

test("two consumers of one name share its events without a gap or a double", async (t) => {
  const database = join(makeFolder(t), "s.db");
  const [hj, other] = [open(database), open(database, { issuer: "https://other.example" })];
  t.after(() => Promise.all([hj.close(), other.close()]));
  const seen = [];
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  const consumers = [hj, other].map((each) =>
    each.events.consume("audit", ({ seq }) => {
      seen.push(seq);
      if (seen.length === 8) resolve();
    }),
  );
  for (let n = 0; n < 7; n += 1) await hj.sessions.create({ userId: `usr_${n}` });
  await promise;
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a consumer of an object that is closed ends with engine_closed", async (t) => {
  const hj = open(join(makeFolder(t), "s.db"));
  const consumer = hj.events.consume("mail", () => undefined);
  await hj.close();
  await assert.rejects(consumer.ended, { code: "engine_closed" });
});

test("bad consumers and exports are refused", async (t) => {
  const folder = makeFolder(t);
  const hj = open(join(folder, "s.db"));
  t.after(() => hj.close());
  assert.throws(() => hj.events.consume("mail"), { code: "validation_error" });
  assert.throws(() => hj.events.consume(7, () => undefined), { code: "validation_error" });
  assert.throws(() => hj.withActor(""), { code: "validation_error" });
  assert.throws(() => hj.withActor("a".repeat(256)), { code: "validation_error" });
  await assert.rejects(hj.events.consume("", () => undefined).ended, { code: "validation_error" });
  await assert.rejects(hj.events.export(join(folder, "log"), { after: 99 }), { code: "validation_error" });
  await assert.rejects(hj.events.export(join(folder, "s.db")), { code: "storage_io" });
  await assert.rejects(verifyEventLog(join(folder, "absent"), await hj.jwks()), { code: "storage_io" });
});

test("a log whose event was changed names it", async (t) => {
  const folder = makeFolder(t);
  const hj = open(join(folder, "s.db"));
  t.after(() => hj.close());
  await hj.sessions.create({ userId: "usr_1" });
  const log = join(folder, "events.jsonl");
  assert.deepEqual(await hj.events.export(log), { events: 2 });
  const keys = await hj.jwks();
  const good = await verifyEventLog(log, keys);
  assert.deepEqual([good.ok, good.firstSeq, good.vouchedThrough, good.problem], [true, 1, 2, null]);
  assert.ok(good.exportedAt instanceof Date);
  await writeFile(log, (await readFile(log, "utf8")).replace("usr_1", "usr_2"));
  const bad = await verifyEventLog(log, keys);
  assert.deepEqual([bad.ok, bad.problem, bad.problemSeq], [false, "changed", 2]);
});

test("maintenance is on by default, off with a clock of the host's, and has an interval", async (t) => {
  const folder = makeFolder(t);
  for (const bad of ["5", 0, -1, {}, true]) {
    assert.throws(() => open(join(folder, "s.db"), { maintenanceInterval: bad }), {
      code: "validation_error",
    });
  }
  const hj = open(join(folder, "s.db"), { maintenanceInterval: "1s" });
  t.after(() => hj.close());
  await hj.sessions.create({ userId: "usr_1" });
  // Sealed by the round that the object does by itself.
  for await (const event of hj.events.stream()) {
    if (event.seq === 2) break;
  }
  for (;;) {
    const { events } = await hj.events.list();
    if (events.every(({ hash }) => hash !== null)) break;
    await new Promise((settle) => setTimeout(settle, 50));
  }
  const still = open(":memory:", { clock: new ManualClock(Date.now()), maintenanceInterval: null });
  assert.equal((await still.maintain()).sealedEvents, 1);
  await still.close();
});
