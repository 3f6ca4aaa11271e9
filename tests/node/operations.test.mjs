// The channel `hellojohn:operation`: every operation is told, in the context of its caller, to subscribers that come at any time.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HelloJohn } from "@hellojohn/node";
import { makeFolder, makeTenant, makeTenantWithClock, TENANT } from "./fixture.mjs";

const CHANNEL = "hellojohn:operation";

/** Subscribes until the end of the test; the reports, as they come. */
function listen(t, note = (report) => report) {
  const told = [];
  const onReport = (report, channel) => {
    assert.equal(channel, CHANNEL);
    told.push(note(report));
  };
  subscribe(CHANNEL, onReport);
  t.after(() => unsubscribe(CHANNEL, onReport));
  return told;
}

const names = (told) => told.splice(0).map(({ operation }) => operation);

test("every operation of the package is told once", async (t) => {
  const folder = makeFolder(t);
  const hj = new HelloJohn({
    ...TENANT,
    database: join(folder, "s.db"),
    config: { eventRetention: "90d" },
    maintenanceInterval: null,
    authenticate: async () => ({ userId: "usr_1" }),
  });
  const told = listen(t);
  const expectTold = (...expected) => assert.deepEqual(names(told), expected);
  await hj.ready();
  expectTold("open_tenant", "update_config");
  const { session, accessToken, refreshToken } = await hj.sessions.create({ userId: "usr_1" });
  expectTold("create");
  await hj.sessions.refresh(refreshToken);
  expectTold("refresh");
  await hj.sessions.update(session.id, { mfaVerified: true });
  expectTold("update");
  for (const isFromCache of [false, true]) {
    await hj.sessions.list("usr_1");
    assert.deepEqual([told[0].isFromCache, told[0].rows], [isFromCache, 1]);
    expectTold("list");
  }
  await hj.sessions.count({});
  expectTold("count");
  await hj.sessions.explain(session.id);
  expectTold("explain");
  await hj.verifyToken(accessToken);
  expectTold("verify_locally");
  hj.verifyTokenSync(accessToken);
  expectTold("verify_locally");
  for (const isFromCache of [false, true]) {
    await hj.sessions.get(session.id);
    assert.equal(told[0].isFromCache, isFromCache);
    expectTold("get");
    await hj.verifyTokenRemote(accessToken);
    assert.equal(told[0].isFromCache, isFromCache);
    expectTold("verify_access_token");
  }
  await hj.sessions.verify(session.id);
  assert.equal(told[0].isFromCache, true);
  expectTold("verify_session");
  const { plan } = await hj.sessions.revokeWhere({ mfaVerified: true }, { dryRun: true });
  expectTold("preview_revoke_where");
  await hj.sessions.revokeWhere({ mfaVerified: true }, { plan });
  expectTold("revoke_where");
  assert.equal((await hj.sessions.verify(session.id)).valid, false);
  expectTold("verify_session");
  await hj.withActor("admin:ada").sessions.revoke(session.id);
  expectTold("revoke");
  await hj.sessions.revokeAll("usr_1");
  expectTold("revoke_user");
  await hj.sessions.revokeTenant();
  expectTold("revoke_tenant");
  const signedIn = await hj.auth.signIn({ email: "ada@example.com", password: "p" });
  expectTold("begin_sign_in", "succeed_sign_in");
  await hj.auth.signOut(signedIn.refreshToken);
  expectTold("sign_out");
  await (await hj.auth.beginSignIn("eve@example.com")).fail();
  expectTold("begin_sign_in", "fail_sign_in");
  await (await hj.auth.beginSignIn("eve@example.com")).cancel();
  expectTold("begin_sign_in", "cancel_sign_in");
  await hj.config.get();
  expectTold("config");
  await hj.config.update({ idleTimeout: "7d", revocationList: true });
  expectTold("update_config");
  await hj.revocations();
  expectTold("revocations");
  await hj.jwks();
  expectTold("jwks");
  await hj.keys.rotate();
  expectTold("rotate_keys");
  const [{ kid }] = await hj.keys.list();
  expectTold("keys");
  await hj.keys.retire(kid);
  expectTold("retire_key");
  await hj.rotateRefreshKey();
  expectTold("rotate_refresh_key");
  await hj.events.list();
  expectTold("events");
  await hj.events.seal();
  expectTold("seal_events");
  await hj.events.export(join(folder, "events.log"));
  expectTold("export_events");
  await hj.maintain();
  expectTold("maintain");
  await hj.sweep();
  expectTold("sweep");
  await hj.purge({ olderThan: "90d" });
  expectTold("purge");
  await hj.stats();
  expectTold("stats");
  await hj.stats({ series: "24h" });
  expectTold("stats_series");
  await hj.lowerClockMark();
  expectTold("lower_clock_mark");
  await hj.changeSecretKey("sk_live_nE4wQ8tYb2mZ6kXp9RvLcU");
  expectTold("change_secret_key");
  await hj.handler(new Request("http://localhost/.well-known/jwks.json"));
  expectTold("jwks");
  await hj.close();
  expectTold("close");
});

test("a report has the outcome, the rows and the time, and nothing about users", async (t) => {
  const { hj } = makeTenantWithClock(t, { config: { maxSessionsPerUser: 1 } });
  await hj.ready();
  const told = listen(t);
  const { refreshToken } = await hj.sessions.create({ userId: "usr_secret" });
  await hj.sessions.create({ userId: "usr_secret" });
  await assert.rejects(hj.sessions.refresh(refreshToken));
  const report = { tenantId: TENANT.tenantId, isFromCache: false, durationMs: 0 };
  assert.deepEqual(told, [
    { ...report, operation: "create", error: null, rows: 1 },
    { ...report, operation: "create", error: null, rows: 2 },
    { ...report, operation: "refresh", error: "session_revoked", rows: 0 },
  ]);
  assert.ok(!JSON.stringify(told).includes("secret"));
  // By the machine's clock time passes.
  told.length = 0;
  await makeTenant(t).ready();
  assert.ok(told[0].durationMs > 0, told[0].durationMs);
});

test("a subscription counts from the next call on, until its end", async (t) => {
  const hj = makeTenant(t);
  await hj.sessions.create({ userId: "usr_1" });
  const told = [];
  const onReport = (report) => told.push(report);
  subscribe(CHANNEL, onReport);
  await hj.sessions.create({ userId: "usr_1" });
  const late = hj.sessions.create({ userId: "usr_1" });
  unsubscribe(CHANNEL, onReport);
  await late;
  await hj.sessions.create({ userId: "usr_1" });
  assert.deepEqual(names(told), ["create"]);
  subscribe(CHANNEL, onReport);
  await hj.stats();
  unsubscribe(CHANNEL, onReport);
  // What was begun between the two is no longer there to be told.
  assert.deepEqual(names(told), ["stats"]);
});

test("a report comes in the asynchronous context of its call", async (t) => {
  const hj = makeTenant(t);
  const { session, accessToken } = await hj.sessions.create({ userId: "usr_1" });
  const context = new AsyncLocalStorage();
  const told = listen(t, ({ operation }) => `${context.getStore()} ${operation}`);
  const answers = ["a", "b", "c"].map((name) =>
    context.run(name, async () => {
      await hj.sessions.create({ userId: `usr_${name}` }); // on another thread
      await hj.sessions.list(`usr_${name}`); // on this one
      hj.verifyTokenSync(accessToken);
      await hj.handler(
        new Request("http://localhost/v1/auth/me", { headers: { authorization: `Bearer ${accessToken}` } }),
      );
      await assert.rejects(hj.sessions.get("ses_01JGFJJZ00AAAAAAAAAAAAAAAA"));
    }),
  );
  await Promise.all(answers);
  for (const name of ["a", "b", "c"]) {
    const own = told.filter((text) => text.startsWith(`${name} `)).map((text) => text.slice(2));
    assert.deepEqual(own.slice(0, 3), ["create", "list", "verify_locally"]);
    assert.equal(own.at(-1), "get");
  }
  assert.ok(!told.some((text) => text.startsWith("undefined")), told.join());
  await hj.sessions.get(session.id);
});

test("operations on one engine are told to the caller's object alone", async (t) => {
  const database = join(makeFolder(t), "s.db");
  const first = new HelloJohn({ ...TENANT, database });
  const second = new HelloJohn({ ...TENANT, tenantId: "tnt_other", database });
  t.after(() => Promise.all([first.close(), second.close()]));
  await Promise.all([first.ready(), second.ready()]);
  const told = listen(t, ({ tenantId, operation }) => `${tenantId} ${operation}`);
  await Promise.all([first.sweep(), second.stats()]);
  assert.deepEqual(told.sort(), ["tnt_01HABCDEF654321 sweep", "tnt_other stats"]);
});

test("the snippets of the document run", () => {
  const text = readFileSync(new URL("../../docs/OBSERVABILITY.md", import.meta.url), "utf8");
  const snippets = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, snippet]) => snippet);
  assert.equal(snippets.length, 2);
  const program = `${snippets.join("\n")}
import { HelloJohn } from "@hellojohn/node";
const hj = new HelloJohn({ tenantId: "tnt_acme", secretKey: "${TENANT.secretKey}", database: ":memory:" });
await hj.sessions.create({ userId: "usr_1" });
stop();
await hj.close();
`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  assert.match(output, /^open_tenant ok in [\d.]+ ms\ncreate ok in [\d.]+ ms\nclose ok in [\d.]+ ms\n$/);
});
