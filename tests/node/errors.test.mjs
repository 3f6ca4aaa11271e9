// The error class, the codes of opening, and calls after close.
import assert from "node:assert/strict";
import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { HelloJohn, HelloJohnError } from "@hellojohn/node";
import { isFailure, makeFolder, makeTenant, TENANT } from "./fixture.mjs";

test("an error has code, status and detail, and prints like an Error", async (t) => {
  const hj = makeTenant(t);
  const error = await hj.sessions.get("ses_nope").catch((error) => error);
  assert.ok(error instanceof HelloJohnError);
  assert.ok(error instanceof Error);
  assert.equal(error.name, "HelloJohnError");
  assert.deepEqual({ ...error }, { code: "session_not_found", status: 404, detail: "no such session" });
  assert.equal(error.message, error.detail);
  assert.match(String(error), /^HelloJohnError: no such session$/);
});

test("a rejected call carries the stack of its caller", async (t) => {
  const hj = makeTenant(t);
  async function handlerOfARequest() {
    return await hj.sessions.get("ses_nope");
  }
  for (const call of [
    handlerOfARequest,
    async () => Promise.all([handlerOfARequest()]),
    async function inAnUpdate() {
      await hj.sessions.update("ses_nope", {});
    },
    async function inAVerification() {
      await hj.verifyToken("a.b.c");
    },
    async function inCreate() {
      await hj.sessions.create({ userId: "" });
    },
  ]) {
    const error = await call().catch((error) => error);
    assert.ok(error.stack.includes("errors.test.mjs"), error.stack);
  }
});

test("bad options throw at once", () => {
  for (const [options, field] of [
    [undefined, "options"],
    [null, "options"],
    ["tnt_1", "options"],
    [{}, "tenantId"],
    [{ ...TENANT, tenantId: "" }, "tenantId"],
    [{ ...TENANT, tenantId: 7 }, "tenantId"],
    [{ ...TENANT, tenantId: "a\0b" }, "tenantId"],
    [{ ...TENANT, tenantId: "\udc00" }, "tenantId"],
    [{ ...TENANT, tenantId: "t".repeat(256) }, "tenantId"],
    [{ ...TENANT, secretKey: undefined }, "secretKey"],
    [{ ...TENANT, secretKey: Symbol("sk") }, "secretKey"],
    [{ ...TENANT, database: 7 }, "database"],
    [{ ...TENANT, issuer: {} }, "issuer"],
    [{ ...TENANT, busyTimeout: "1ms" }, "busyTimeout"],
    [{ ...TENANT, durability: "none" }, "durability"],
    [{ ...TENANT, fileAccess: "world" }, "fileAccess"],
    [{ ...TENANT, config: "1d" }, "config"],
    [{ ...TENANT, config: { sessionDuration: "x" } }, "sessionDuration"],
    [{ ...TENANT, config: { session_duration: 0 } }, "sessionDuration"],
    [{ ...TENANT, config: { sessionDuration: "1d", session_duration: "1d" } }, "session_duration"],
    [{ ...TENANT, config: { ttl: "1d" } }, "ttl"],
    [{ ...TENANT, authenticate: "yes" }, "authenticate"],
    [{ ...TENANT, clock: Date }, "clock"],
    [{ ...TENANT, tenant_id: "tnt_1" }, "tenant_id"],
    [{ ...TENANT, databse: ":memory:" }, "databse"],
  ]) {
    assert.throws(() => new HelloJohn(options), isFailure("validation_error", field));
  }
  assert.throws(() => HelloJohn(TENANT), TypeError);
});

test("opening errors reject every call, and a later call tries again", async (t) => {
  const path = makeFolder(t);
  const first = makeTenant(t, { database: `${path}/sessions.db` });
  await first.ready();
  const wrong = makeTenant(t, { database: `${path}/sessions.db`, secretKey: "sk_wrong" });
  const calls = [() => wrong.ready(), () => wrong.jwks(), () => wrong.sessions.create({ userId: "u" })];
  for (const call of calls) await assert.rejects(call(), isFailure("invalid_api_key"));
  await Promise.all([...calls, ...calls].map((call) => assert.rejects(call(), isFailure("invalid_api_key"))));
  await assert.rejects(wrong.verifyTokenRemote("a.b.c"), isFailure("invalid_api_key"));

  writeFileSync(`${path}/note.txt`, "not a database, but long enough to look at\n".repeat(100));
  await assert.rejects(makeTenant(t, { database: `${path}/note.txt` }).ready(), isFailure("storage_corrupt"));
  await assert.rejects(makeTenant(t, { database: path }).ready(), isFailure("storage_io"));

  const early = makeTenant(t, { database: `${path}/later/sessions.db` });
  await assert.rejects(early.ready(), isFailure("storage_io"));
  (await import("node:fs")).mkdirSync(`${path}/later`);
  await early.ready();
});

test("a relative path is taken from the working folder of the constructor", async (t) => {
  const [first, second] = [realpathSync(makeFolder(t)), makeFolder(t)];
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(first);
  const hj = makeTenant(t, { database: "sessions.db" });
  process.chdir(second);
  await hj.ready();
  assert.deepEqual([existsSync(`${first}/sessions.db`), existsSync(`${second}/sessions.db`)], [true, false]);
});

test("a database that no engine can open is refused by the constructor", () => {
  for (const database of ["", "a\0b", "postgres://localhost/x"]) {
    assert.throws(() => new HelloJohn({ ...TENANT, database }), isFailure("validation_error", "database"));
  }
});

test("settings given to the constructor apply when the engine opens", async (t) => {
  const hj = makeTenant(t, {
    config: { sessionDuration: "7d", idle_timeout: "1h" },
    issuer: "https://id.example",
  });
  const config = await hj.config.get();
  assert.deepEqual([config.sessionDuration, config.idleTimeout], ["7d", "1h"]);
  const { accessToken } = await hj.sessions.create({ userId: "u" });
  assert.equal((await hj.verifyToken(accessToken)).iss, "https://id.example");
});

test("after close every call rejects with engine_closed, and closing again resolves", async (t) => {
  const hj = makeTenant(t, { authenticate: () => null });
  const { session, accessToken, refreshToken } = await hj.sessions.create({ userId: "u" });
  await Promise.all([hj.close(), hj.close()]);
  for (const call of [
    () => hj.ready(),
    () => hj.sessions.create({ userId: "u" }),
    () => hj.sessions.refresh(refreshToken),
    () => hj.sessions.get(session.id),
    () => hj.sessions.list("u"),
    () => hj.sessions.list({}),
    () => hj.sessions.revoke(session.id),
    () => hj.sessions.revokeAll("u"),
    () => hj.sessions.revokeTenant(),
    () => hj.sessions.verify(session.id),
    () => hj.sessions.verify(accessToken),
    () => hj.sessions.update(session.id, {}),
    () => hj.verifyToken(accessToken),
    async () => hj.verifyTokenSync(accessToken),
    () => hj.verifyTokenRemote(accessToken),
    () => hj.auth.signIn({ email: "e", password: "p" }),
    () => hj.auth.signOut(accessToken),
    () => hj.config.get(),
    () => hj.config.update({}),
    () => hj.keys.rotate(),
    () => hj.keys.list(),
    () => hj.keys.retire("key_nope"),
    () => hj.jwks(),
    () => hj.stats(),
    () => hj.sweep(),
    () => hj.purge({ olderThan: "1d" }),
    () => hj.changeSecretKey("sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc"),
    () => hj.lowerClockMark(),
  ]) {
    await assert.rejects(call(), isFailure("engine_closed"), `${call}`);
  }
  assert.equal(await hj.close(), undefined);
});

test("an engine that was never opened closes without opening", async (t) => {
  const hj = new HelloJohn({ ...TENANT, database: `${makeFolder(t)}/no/such/folder.db` });
  await hj.close();
  await assert.rejects(hj.ready(), isFailure("engine_closed"));
});

test("await using closes the engine", { skip: !Symbol.asyncDispose }, async (t) => {
  const hj = makeTenant(t);
  await hj.ready();
  await hj[Symbol.asyncDispose]();
  await assert.rejects(hj.ready(), isFailure("engine_closed"));
});

test("printing an engine shows no secret", async (t) => {
  const hj = makeTenant(t);
  await hj.ready();
  const { inspect } = await import("node:util");
  const shown = inspect(hj, { depth: null, showHidden: true });
  assert.doesNotMatch(shown + JSON.stringify(hj), /sk_live/);
});
