// Passes every kind of JavaScript value to every argument of every method. A refusal is a HelloJohnError that names the
// field, never a crash, never another kind of error.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HelloJohn, HelloJohnError, ManualClock } from "@hellojohn/node";
import { isFailure, makeTenant, TENANT } from "./fixture.mjs";

const cyclic = { name: "cyclic" };
cyclic.self = cyclic;
const deep = JSON.parse(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`);
const throwing = Object.defineProperty({}, "userId", {
  enumerable: true,
  get() {
    throw new Error("a getter of the host");
  },
});
const hostile = new Proxy(
  {},
  {
    ownKeys() {
      throw new Error("a trap of the host");
    },
    getPrototypeOf() {
      throw new Error("a trap of the host");
    },
  },
);
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

/** Values that no argument can take. */
const NEVER = [
  ["a symbol", Symbol("s")],
  ["a bigint", 10n],
  ["a function", () => "usr_1"],
  ["NaN", Number.NaN],
  ["infinity", Number.POSITIVE_INFINITY],
  ["true", true],
  ["a number", 7.5],
  ["an array", ["usr_1"]],
  ["a sparse array", new Array(3)],
  ["a huge array", new Array(2 ** 32 - 1)],
  ["a map", new Map([["userId", "u"]])],
  ["an invalid date", new Date(Number.NaN)],
  ["a regular expression", /a/],
  ["a String object", new String("usr_1")],
  ["a buffer", Buffer.from("usr_1")],
  ["an instance", new (class User {})()],
  ["an object with toJSON", { toJSON: () => "usr_1" }],
  ["an object with toString", { toString: () => "usr_1" }],
  ["a cyclic object", cyclic],
  ["a deep object", deep],
  ["a throwing getter", throwing],
  ["a hostile proxy", hostile],
  ["a revoked proxy", revoked],
  ["a lone surrogate", "usr_\ud83d"],
  ["a huge text", "x".repeat(2 ** 21)],
  ["an unknown option", { misspelt: 1 }],
  ["a symbol for a name", { [Symbol("userId")]: "u" }],
];

/** Every argument: the call with a value in it, and the name of its field. */
const ARGUMENTS = {
  "sessions.create": (hj, value) => hj.sessions.create(value),
  "sessions.refresh token": (hj, value) => hj.sessions.refresh(value),
  "sessions.refresh options": (hj, value) => hj.sessions.refresh("rt_x", value),
  "sessions.get": (hj, value) => hj.sessions.get(value),
  "sessions.list first": (hj, value) => hj.sessions.list(value),
  "sessions.list options": (hj, value) => hj.sessions.list("u", value),
  "sessions.revoke": (hj, value) => hj.sessions.revoke(value),
  "sessions.revokeAll user": (hj, value) => hj.sessions.revokeAll(value),
  "sessions.revokeAll options": (hj, value) => hj.sessions.revokeAll("u", value),
  "sessions.update id": (hj, value) => hj.sessions.update(value, {}),
  "sessions.update patch": (hj, value) => hj.sessions.update("ses_nope", value),
  verifyToken: (hj, value) => hj.verifyToken(value),
  "verifyToken options": (hj, value) => hj.verifyToken("a.b.c", value),
  verifyTokenSync: async (hj, value) => hj.verifyTokenSync(value),
  "verifyTokenSync options": async (hj, value) => hj.verifyTokenSync("a.b.c", value),
  "auth.signIn": (hj, value) => hj.auth.signIn(value),
  "auth.signOut token": (hj, value) => hj.auth.signOut(value),
  "auth.signOut options": (hj, value) => hj.auth.signOut("a.b.c", value),
  "config.update": (hj, value) => hj.config.update(value),
  "keys.retire": (hj, value) => hj.keys.retire(value),
  purge: (hj, value) => hj.purge(value),
  changeSecretKey: (hj, value) => hj.changeSecretKey(value),
  constructor: async (_, value) => new HelloJohn(value),
};
for (const name of ["sessionDuration", "idle_timeout", "maxSessionsPerUser"]) {
  ARGUMENTS[`config.update ${name}`] = (hj, value) => hj.config.update({ [name]: value });
}
for (const name of "userId userAgent ipAddress country deviceType deviceFingerprint duration orgId role email".split(
  " ",
)) {
  ARGUMENTS[`sessions.create ${name}`] = (hj, value) => hj.sessions.create({ userId: "u", [name]: value });
}
for (const name of ["status", "limit", "cursor"]) {
  ARGUMENTS[`sessions.list ${name}`] = (hj, value) => hj.sessions.list("u", { [name]: value });
}
for (const name of ["user_id", "userId"]) {
  ARGUMENTS[`sessions.list ${name}`] = (hj, value) => hj.sessions.list({ [name]: value });
}
for (const name of ["orgId", "role"]) {
  ARGUMENTS[`sessions.update ${name}`] = (hj, value) => hj.sessions.update("ses_nope", { [name]: value });
}
ARGUMENTS["sessions.create mfaVerified"] = (hj, value) =>
  hj.sessions.create({ userId: "u", mfaVerified: value });
ARGUMENTS["sessions.create claims"] = (hj, value) => hj.sessions.create({ userId: "u", claims: value });
ARGUMENTS["sessions.create claims.c"] = (hj, value) =>
  hj.sessions.create({ userId: "u", claims: { c: value } });
ARGUMENTS["sessions.update claims"] = (hj, value) => hj.sessions.update("ses_nope", { claims: value });
ARGUMENTS["sessions.revokeAll except"] = (hj, value) => hj.sessions.revokeAll("u", { except: value });
ARGUMENTS["purge olderThan"] = (hj, value) => hj.purge({ olderThan: value });
ARGUMENTS["verifyToken audience"] = (hj, value) => hj.verifyToken("a.b.c", { audience: value });
ARGUMENTS["verifyToken clockSkewSeconds"] = (hj, value) =>
  hj.verifyToken("a.b.c", { clockSkewSeconds: value });
for (const name of [
  "tenantId",
  "secretKey",
  "database",
  "issuer",
  "busyTimeout",
  "durability",
  "fileAccess",
  "config",
  "clock",
  "authenticate",
]) {
  ARGUMENTS[`constructor ${name}`] = async (_, value) => new HelloJohn({ ...TENANT, [name]: value });
}

/** The values that some arguments take after all. */
const FITS = {
  __proto__: null,
  "sessions.create mfaVerified": ["true"],
  "sessions.create claims": ["an unknown option"],
  "sessions.create claims.c": ["true", "a number", "an array", "an unknown option"],
  "sessions.update claims": ["an unknown option"],
  "constructor authenticate": ["a function"],
};

for (const [name, call] of Object.entries(ARGUMENTS)) {
  test(`${name} refuses values of a wrong kind`, async (t) => {
    const hj = makeTenant(t, { authenticate: () => null });
    for (const [what, value] of NEVER) {
      if (FITS[name]?.includes(what)) continue;
      const error = await call(hj, value).then(
        () => assert.fail(`${what} was taken`),
        (error) => error,
      );
      assert.ok(error instanceof HelloJohnError, `${what}: ${error?.stack ?? String(error)}`);
      assert.equal(error.code, "validation_error", `${what}: ${error.stack}`);
      assert.match(error.detail, /^[\w.]+: ./, what);
    }
    // The engine still works.
    await hj.sessions.create({ userId: "u" });
  });
}

test("an error names the missing field", async (t) => {
  const hj = makeTenant(t);
  for (const absent of [undefined, null]) {
    for (const [call, field] of [
      [() => hj.sessions.create(absent), "options"],
      [() => hj.sessions.create({ userId: absent }), "userId"],
      [() => hj.sessions.get(absent), "id"],
      [() => hj.sessions.revoke(absent), "id"],
      [() => hj.sessions.revokeAll(absent), "userId"],
      [() => hj.sessions.list(absent), "userId"],
      [() => hj.sessions.list({ user_id: absent }), "user_id"],
      [() => hj.sessions.list({ userId: absent, status: "all" }), "userId"],
      [() => hj.sessions.update(absent, {}), "id"],
      [() => hj.sessions.update("ses_nope", absent), "patch"],
      [() => hj.config.update(absent), "patch"],
      [() => hj.keys.retire(absent), "kid"],
      [() => hj.purge(absent), "options"],
      [() => hj.purge({ olderThan: absent }), "olderThan"],
      [() => hj.changeSecretKey(absent), "newKey"],
    ]) {
      await assert.rejects(call(), isFailure("validation_error", field), `${call}`);
    }
    await assert.rejects(hj.verifyToken(absent), isFailure("missing_token"));
    await assert.rejects(hj.sessions.refresh(absent), isFailure("missing_token"));
    await assert.rejects(hj.auth.signOut(absent), isFailure("missing_token"));
  }
  await assert.rejects(
    hj.sessions.list({ user_id: "u", userId: "u" }),
    isFailure("validation_error", "userId"),
  );
  await assert.rejects(hj.sessions.list({ user_id: "u" }, {}), isFailure("validation_error", "options"));
});

test("claims of any realm are copied unchanged", async (t) => {
  const hj = makeTenant(t);
  const { runInNewContext } = await import("node:vm");
  let reads = 0;
  const claims = runInNewContext("({ list: [1, { a: null }], left: undefined })");
  Object.defineProperty(claims, "counted", {
    enumerable: true,
    get: () => {
      reads += 1;
      return reads;
    },
  });
  const { session } = await hj.sessions.create({ userId: "u", claims });
  assert.deepEqual(session.claims, { counted: 1, list: [1, { a: null }] });
  const bare = Object.assign(Object.create(null), { userId: "u" });
  assert.equal((await hj.sessions.create(bare)).session.userId, "u");
});

test("a manual clock takes times only", () => {
  const clock = new ManualClock(0);
  for (const [, value] of NEVER.filter(([what]) => what !== "a huge array")) {
    assert.throws(() => new ManualClock(value), isFailure("validation_error", "at"));
    assert.throws(() => clock.set(value), isFailure("validation_error", "at"));
    assert.throws(() => clock.advance(value), isFailure("validation_error", "milliseconds"));
  }
  clock.set(new Date(5));
  clock.advance(-2);
  assert.equal(clock.now(), 3);
  assert.throws(() => ManualClock.prototype.now.call({}), isFailure("validation_error", "clock"));
});
