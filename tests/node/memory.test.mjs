// What nobody closes is released all the same, and calls leave nothing behind. In a process of its own: what other tests
// left in the allocator would show here. Needs --expose-gc.
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { HelloJohn } from "@hellojohn/node";
import { folder, sleep, TENANT, tenant } from "./fixture.mjs";

test("engines that nobody closes are collected, and memory stays flat", {
  skip: !globalThis.gc,
}, async (t) => {
  const hj = tenant(t);
  const { session, accessToken } = await hj.sessions.create({ userId: "u" });
  async function loop() {
    for (let n = 0; n < 1_500; n += 1) {
      await Promise.all([
        hj.sessions.get(session.id),
        hj.sessions.list("u"),
        hj.verifyTokenRemote(accessToken),
        hj.sessions.get("ses_nope").catch(() => {}),
        hj.sessions.create({ userId: 7 }).catch(() => {}),
      ]);
      hj.verifyTokenSync(accessToken);
    }
    for (let n = 0; n < 15; n += 1) {
      await new HelloJohn({ ...TENANT, tenantId: `tnt_${n}`, database: ":memory:" }).ready();
      globalThis.gc();
    }
    globalThis.gc();
    // Finalizers and the threads that they hand engines to.
    await sleep(100);
    return process.memoryUsage().rss;
  }
  await loop();
  const before = await loop();
  await loop();
  const after = await loop();
  // Allocators keep what they got: allow a tenth of what 3,000 rounds would leak at 1 KB a call.
  assert.ok(after - before < 6_000_000, `${before} → ${after}`);
});

const noDescriptors = process.platform !== "linux" || !globalThis.gc;

test("files of an engine that nobody closed are released", { skip: noDescriptors }, async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const held = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(database);
      } catch {
        return false;
      }
    }).length;
  await (async () => {
    const hj = new HelloJohn({ ...TENANT, database });
    await hj.sessions.create({ userId: "u" });
  })();
  assert.ok(held() > 0);
  for (let n = 0; n < 100 && held() > 0; n += 1) {
    globalThis.gc();
    await sleep(20);
  }
  assert.equal(held(), 0);
});
