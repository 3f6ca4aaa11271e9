// Nothing that is asynchronous may stop the event loop or the thread pool that `fs` and `dns` share.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { failure, folder, longestBlock, program, tenant } from "./fixture.mjs";

/** Takes the database's write lock in another process; answers with how to give it back. */
async function lockOut(t, database) {
  const holder = spawn("python3", [program("lock.py"), database], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = once(holder, "exit");
  t.after(() => holder.kill());
  await once(holder.stdout, "data");
  return async () => {
    holder.stdin.end();
    await gone;
  };
}

test("64 and more calls in flight are all answered, each with its own answer", async (t) => {
  const hj = tenant(t, { database: `${folder(t)}/sessions.db` });
  await hj.ready();
  const users = Array.from({ length: 300 }, (_, n) => `usr_${n}`);
  const grants = await Promise.all(users.map((userId) => hj.sessions.create({ userId })));
  assert.deepEqual(
    grants.map(({ session }) => session.userId),
    users,
  );
  const sessions = await Promise.all(grants.map(({ session }) => hj.sessions.get(session.id)));
  assert.deepEqual(
    sessions,
    grants.map(({ session }) => session),
  );
  const verdicts = await Promise.all(grants.map(({ accessToken }) => hj.verifyTokenRemote(accessToken)));
  assert.deepEqual(
    verdicts.map(({ payload }) => payload.sub),
    users,
  );
  const refreshed = await Promise.all(grants.map(({ refreshToken }) => hj.sessions.refresh(refreshToken)));
  assert.equal(new Set(refreshed.map(({ refreshToken }) => refreshToken)).size, users.length);
});

test("the event loop is never blocked for 20 ms", async (t) => {
  const hj = tenant(t, { database: `${folder(t)}/sessions.db` });
  const other = tenant(t, { database: `${folder(t)}/sessions.db` });
  // What the machine itself does to an idle loop is not ours.
  const idle = await longestBlock(() => new Promise((done) => setTimeout(done, 300)));
  const blocked = await longestBlock(async () => {
    await Promise.all([hj.ready(), other.ready()]);
    for (let round = 0; round < 5; round += 1) {
      const grants = await Promise.all(
        Array.from({ length: 64 }, (_, n) => hj.sessions.create({ userId: `usr_${n}` })),
      );
      await Promise.all(grants.map(({ session }) => hj.sessions.list({ user_id: session.userId })));
      await Promise.all([hj.stats(), hj.sweep(), hj.keys.rotate(), hj.config.update({ idleTimeout: "7d" })]);
    }
    await hj.changeSecretKey("sk_new");
    await Promise.all([hj.close(), other.close()]);
  });
  assert.ok(blocked < 20 + idle, `blocked for ${blocked} ms, idle ${idle} ms`);
});

test("while another process holds the write lock, reads, fs and the event loop go on", async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const hj = tenant(t, { database });
  const { session, accessToken } = await hj.sessions.create({ userId: "u" });
  const release = await lockOut(t, database);

  const creates = Array.from({ length: 200 }, (_, n) => hj.sessions.create({ userId: `usr_${n}` }));
  let slowest = 0;
  const blocked = await longestBlock(async () => {
    for (let n = 0; n < 50; n += 1) {
      const asked = performance.now();
      await Promise.all([
        stat(database),
        hj.sessions.get(session.id),
        hj.verifyTokenRemote(accessToken),
        hj.verifyToken(accessToken),
      ]);
      slowest = Math.max(slowest, performance.now() - asked);
      await new Promise((done) => setTimeout(done, 10));
    }
  });
  assert.ok(blocked < 100, `blocked for ${blocked} ms`);
  assert.ok(slowest < 250, `a read took ${slowest} ms`);
  await release();
  const grants = await Promise.all(creates);
  assert.equal(grants.length, 200);
  assert.equal((await hj.stats()).sessions.active, 201);
});

test("a writer that is locked out for good gives up within its time, however long the queue", async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const hj = tenant(t, { database });
  const { session } = await hj.sessions.create({ userId: "u" });
  const release = await lockOut(t, database);
  const asked = performance.now();
  const calls = Array.from({ length: 150 }, () => hj.sessions.create({ userId: "u" }));
  const cold = tenant(t, { database, config: { idleTimeout: "7d" } });
  calls.push(
    hj.sessions.revoke(session.id),
    cold.ready(),
    cold.jwks(),
    cold.sessions.create({ userId: "u" }),
  );
  await Promise.all(calls.map((call) => assert.rejects(call, failure("storage_busy"))));
  const took = performance.now() - asked;
  // 5 s for other threads and other processes together, not each.
  assert.ok(took < 8_000, `took ${took} ms`);
  await release();
  // Nothing of it happened, and everything works again.
  assert.deepEqual((await hj.stats()).sessions, { active: 1, expired: 0, revoked: 0 });
  await cold.sessions.revoke(session.id);
});

test("close behind a blocked write answers both in time and blocks nothing", async (t) => {
  const database = `${folder(t)}/sessions.db`;
  const hj = tenant(t, { database });
  await hj.ready();
  const release = await lockOut(t, database);
  const create = hj.sessions.create({ userId: "u" }).then(
    () => "created",
    (error) => error.code,
  );
  await new Promise((done) => setTimeout(done, 50));
  const blocked = await longestBlock(async () => {
    const closing = hj.close();
    setTimeout(release, 300);
    await closing;
  });
  assert.ok(blocked < 100, `blocked for ${blocked} ms`);
  assert.ok(["created", "engine_closed"].includes(await create));
});
