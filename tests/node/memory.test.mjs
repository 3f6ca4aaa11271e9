// Engines that are not closed are released, and calls leak no memory. In a process of its own, because memory of other
// tests in the allocator would show here. Needs --expose-gc.
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { HelloJohn } from "@hellojohn/node";
import { makeFolder, makeTenant, TENANT } from "./fixture.mjs";

const noCollector = !globalThis.gc;

/** Collects garbage until it shows; each time an engine opens and closes, so that the threads that release files have run. */
async function collect(shows) {
  for (let n = 0; n < 100 && !shows(); n += 1) {
    globalThis.gc();
    const hj = new HelloJohn({ ...TENANT, database: ":memory:" });
    await hj.ready();
    await hj.close();
  }
}

test("calls leak no memory", { skip: noCollector }, async (t) => {
  const hj = makeTenant(t);
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
    globalThis.gc();
    return process.memoryUsage().rss;
  }
  // Every thread's allocator fills up first. A leak of 100 bytes a call would never let three rounds pass with 2 MB.
  const sizes = [];
  while (sizes.length < 30) {
    sizes.push(await loop());
    if (sizes.length > 3 && sizes.at(-1) - sizes.at(-4) < 2_000_000) return;
  }
  assert.fail(`still growing: ${sizes}`);
});

test("engines that are not closed are collected", { skip: noCollector }, async () => {
  let collected = 0;
  const registry = new FinalizationRegistry(() => {
    collected += 1;
  });
  async function open() {
    const hj = new HelloJohn({ ...TENANT, database: ":memory:" });
    registry.register(hj, undefined);
    await hj.ready();
  }
  for (let n = 0; n < 30; n += 1) await open();
  await collect(() => collected >= 29);
  assert.ok(collected >= 29, `${collected} of 30`);
});

const noDescriptors = process.platform !== "linux" || noCollector;

test("the files of an engine that was not closed are released", { skip: noDescriptors }, async (t) => {
  const database = `${makeFolder(t)}/sessions.db`;
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
  await collect(() => held() === 0);
  assert.equal(held(), 0);
});

test("a module that was loaded anew is collected when nothing uses it", { skip: noCollector }, async () => {
  let collected = 0;
  const registry = new FinalizationRegistry(() => {
    collected += 1;
  });
  async function load() {
    // A `require` keeps what it has loaded.
    const require = createRequire(import.meta.url);
    for (const path of Object.keys(require.cache))
      if (/[\\/]dist[\\/]/.test(path)) delete require.cache[path];
    const loaded = require("@hellojohn/node");
    registry.register(loaded.HelloJohn, undefined);
    const hj = new loaded.HelloJohn({ ...TENANT, database: ":memory:" });
    await Promise.all([hj.ready(), hj.sessions.create({ userId: "u" }), hj.jwks()]);
    await hj.close();
  }
  for (let n = 0; n < 20; n += 1) await load();
  await collect(() => collected >= 18);
  assert.ok(collected >= 18, `${collected} of 20`);
});
