// A guard remembers the users that it has let pass: that must show in nothing but its speed.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { HelloJohn } from "@hellojohn/node";
import { makeFolder, makeTenantWithClock, START, TENANT } from "./fixture.mjs";
import { bearer, makePair, pass } from "./gates.mjs";

test("a token that was seen before is answered at once, in Express and Fastify", async (t) => {
  const { remembering, forgetful } = makePair(t);
  const { accessToken, session } = await remembering.sessions.create({ userId: "usr_1", role: "admin" });
  const headers = bearer(accessToken);
  const middleware = remembering.requireAuth();
  const first = await pass(middleware, headers);
  assert.equal(first.isAtOnce, false);
  for (let n = 0; n < 3; n += 1)
    assert.deepEqual(await pass(middleware, headers), { ...first, isAtOnce: true });
  // A guard of the same options knows it too, one that remembers nothing does not.
  assert.equal((await pass(remembering.requireAuth({}), headers)).isAtOnce, true);
  for (let n = 0; n < 2; n += 1) {
    assert.deepEqual(await pass(forgetful.requireAuth(), headers), { ...first, isAtOnce: false });
  }
  const hook = remembering.fastifyAuth();
  const request = { raw: { method: "GET", url: "/", rawHeaders: headers, socket: {} } };
  let calls = 0;
  assert.equal(
    hook(request, {}, () => {
      calls += 1;
    }),
    undefined,
  );
  assert.deepEqual([calls, request.auth.sessionId], [1, session.id]);
  // A host that calls the hook itself gets a promise.
  delete request.auth;
  const promise = hook(request, {});
  assert.ok(promise instanceof Promise);
  assert.equal(await promise, undefined);
  assert.equal(request.auth.sessionId, session.id);
});

test("whatever happens to the session shows at the next request, from every side", async (t) => {
  const { remembering, forgetful, database } = makePair(t);
  const elsewhere = new HelloJohn({ ...TENANT, database, durability: "normal" });
  t.after(() => elsewhere.close());
  const guards = [
    {},
    { role: "admin" },
    { mfa: true },
    { refuseActor: true },
    { factors: ["otp"] },
    { optional: true },
  ];
  const middlewares = guards.map((options) => [
    remembering.requireAuth(options),
    forgetful.requireAuth(options),
  ]);
  for (const by of [remembering, forgetful, elsewhere]) {
    const { session, accessToken, refreshToken } = await by.sessions.create({ userId: "usr_1" });
    const steps = [
      async () => {},
      () => by.sessions.update(session.id, { role: "admin" }),
      () => by.sessions.update(session.id, { mfaVerified: true, claims: { plan: { seats: [1] } } }),
      () => by.sessions.update(session.id, { factor: "otp" }),
      () => by.sessions.update(session.id, { role: "member" }),
      () => by.sessions.update(session.id, { mfaVerified: false }),
      () => by.sessions.refresh(refreshToken, { ipAddress: "203.0.113.7" }),
      () => by.sessions.revoke(session.id),
    ];
    const seen = new Set();
    for (const step of steps) {
      await step();
      for (let round = 0; round < 3; round += 1) {
        for (const [mine, theirs] of middlewares) {
          const [{ outcome }, expected] = [
            await pass(mine, bearer(accessToken)),
            await pass(theirs, bearer(accessToken)),
          ];
          assert.deepEqual(outcome, expected.outcome);
          seen.add(outcome.code ?? "passed");
        }
      }
    }
    assert.deepEqual([...seen].sort(), [
      "insufficient_permissions",
      "passed",
      "reauthentication_required",
      "session_revoked",
    ]);
  }
});

test("the clock ends a session, a token and a factor for a guard that has let them pass", async (t) => {
  const { hj, clock } = makeTenantWithClock(t, {
    database: `${makeFolder(t)}/sessions.db`,
    config: { accessTokenTtl: "10m", idleTimeout: "5m" },
  });
  const [plain, recent] = [hj.requireAuth(), hj.requireAuth({ maxAge: "1m" })];
  const { accessToken } = await hj.sessions.create({ userId: "usr_1" });
  const codes = async () => {
    const outcomes = [];
    for (const guard of [plain, plain, recent, recent]) {
      const { outcome } = await pass(guard, bearer(accessToken));
      outcomes.push(outcome.code ?? outcome.auth.userId);
    }
    return outcomes;
  };
  assert.deepEqual(await codes(), ["usr_1", "usr_1", "usr_1", "usr_1"]);
  clock.set(START + 61_000);
  assert.deepEqual(await codes(), [
    "usr_1",
    "usr_1",
    "reauthentication_required",
    "reauthentication_required",
  ]);
  clock.set(START + 301_000);
  assert.deepEqual(await codes(), Array(4).fill("session_expired"));
  clock.set(START + 601_000);
  assert.deepEqual(await codes(), Array(4).fill("token_expired"));
});

test("each request gets a user of its own", async (t) => {
  const { remembering } = makePair(t);
  const claims = { plan: { seats: [1, 2] } };
  const { accessToken, session } = await remembering.sessions.create({ userId: "usr_1", claims });
  await remembering.sessions.update(session.id, { factor: "otp" });
  const guard = remembering.requireAuth();
  let expected;
  for (let n = 0; n < 4; n += 1) {
    const { auth } = (await pass(guard, bearer(accessToken))).outcome;
    expected ??= structuredClone(auth);
    assert.deepEqual(auth, expected);
    auth.userId = "usr_other";
    auth.claims.plan.seats.push(3);
    auth.claims.admin = true;
    auth.authTime.setTime(0);
    auth.factors.pop();
  }
});

test("a closed object lets no request pass that it has let pass", async (t) => {
  const { remembering } = makePair(t);
  const { accessToken } = await remembering.sessions.create({ userId: "usr_1" });
  const guard = remembering.requireAuth();
  for (let n = 0; n < 2; n += 1) assert.ok((await pass(guard, bearer(accessToken))).outcome.auth);
  const closing = remembering.close();
  assert.equal((await pass(guard, bearer(accessToken))).outcome.code, "engine_closed");
  await closing;
});

test("a token function decides by itself, at each request", async (t) => {
  const { remembering } = makePair(t);
  const grants = [
    await remembering.sessions.create({ userId: "usr_1" }),
    await remembering.sessions.create({ userId: "usr_2" }),
  ];
  let next = 0;
  const guard = remembering.requireAuth({ token: () => grants[next++ % 2].accessToken });
  for (let n = 0; n < 6; n += 1) {
    const { outcome } = await pass(guard, bearer(grants[0].accessToken));
    assert.equal(outcome.auth.userId, `usr_${(n % 2) + 1}`);
  }
});

test("guards of more kinds than are remembered work all the same", async (t) => {
  const { remembering } = makePair(t);
  const { accessToken } = await remembering.sessions.create({ userId: "usr_1", role: "role_37" });
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 40; n += 1) {
      const { outcome } = await pass(remembering.requireAuth({ role: `role_${n}` }), bearer(accessToken));
      assert.equal(outcome.code ?? outcome.auth.userId, n === 37 ? "usr_1" : "insufficient_permissions");
    }
  }
  assert.throws(() => remembering.requireAuth({ role: 1 }), { code: "validation_error" });
});

test("an answer that is remembered is told as the operation that gave it", async (t) => {
  const { remembering } = makePair(t);
  const { accessToken } = await remembering.sessions.create({ userId: "usr_1", role: "admin" });
  const told = [];
  const note = ({ operation, error, isFromCache, tenantId }) => {
    told.push([operation, error, isFromCache, tenantId]);
  };
  subscribe("hellojohn:operation", note);
  t.after(() => unsubscribe("hellojohn:operation", note));
  for (const [options, operation] of [
    [{}, "verify_access_token"],
    [{ role: "admin" }, "require_auth"],
  ]) {
    const guard = remembering.requireAuth(options);
    for (let n = 0; n < 3; n += 1) await pass(guard, bearer(accessToken));
    const isFirst = operation === "verify_access_token";
    // The engine itself remembers the token, too.
    assert.deepEqual(told.splice(0), [
      [operation, null, !isFirst, TENANT.tenantId],
      [operation, null, true, TENANT.tenantId],
      [operation, null, true, TENANT.tenantId],
    ]);
  }
  await pass(remembering.requireAuth(), bearer("a.b.c"));
  assert.deepEqual(told, [["verify_access_token", "invalid_token", false, TENANT.tenantId]]);
});

test("`authorize` knows the token too, and lets the event loop turn", async (t) => {
  const { remembering } = makePair(t);
  const { accessToken, session } = await remembering.sessions.create({ userId: "usr_1" });
  // One for all calls: what the host does between them is not charged.
  const request = new Request("http://localhost/", { headers: { authorization: `Bearer ${accessToken}` } });
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  t.after(() => clearInterval(timer));
  const began = performance.now();
  for (let n = 0; performance.now() - began < 200; n += 1) {
    assert.equal((await remembering.authorize(request)).userId, "usr_1", `${n}`);
  }
  assert.ok(turns > 1, `${turns} turns`);
  await remembering.sessions.revoke(session.id);
  assert.equal((await remembering.authorize(request)).status, 401);
});
