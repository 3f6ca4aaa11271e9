// Signing in with the host's check of credentials, and signing out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure, makeTenant } from "./fixture.mjs";

const CREDENTIALS = { email: "ada@example.com", password: "correct horse" };

test("signIn resolves to the session with its tokens in both spellings", async (t) => {
  let asked;
  const hj = makeTenant(t, {
    authenticate: async (credentials) => {
      asked = credentials;
      return { userId: "usr_ada", role: "admin", mfaVerified: true, claims: { plan: "pro" } };
    },
  });
  const signedIn = await hj.auth.signIn({
    ...CREDENTIALS,
    oneTimeCode: "123456",
    userAgent: "curl/8",
    ipAddress: "203.0.113.42",
    sessionOptions: { duration: "24h" },
  });
  assert.deepEqual(asked, {
    ...CREDENTIALS,
    oneTimeCode: "123456",
    userAgent: "curl/8",
    ipAddress: "203.0.113.42",
  });
  const session = await hj.sessions.get(signedIn.id);
  const { accessToken, refreshToken } = signedIn;
  assert.deepEqual(signedIn, {
    ...session,
    accessToken,
    refreshToken,
    expiresIn: 3600,
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: 3600,
    session_id: session.id,
  });
  assert.equal(session.ipAddress, "203.0.113.42");
  assert.equal(session.role, "admin");
  assert.equal((await hj.verifyTokenRemote(accessToken)).payload.plan, "pro");
});

test("only a confirmed user is signed in", async (t) => {
  let answer;
  const hj = makeTenant(t, { authenticate: () => answer });
  for (answer of [null, undefined, false, Promise.resolve(null)]) {
    await assert.rejects(hj.auth.signIn(CREDENTIALS), isFailure("invalid_credentials"));
  }
  for (answer of [
    true,
    "usr_ada",
    {},
    { userId: 7 },
    { user_id: "usr_ada" },
    { userId: "" },
    [],
    Object.defineProperty({}, "userId", {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    }),
  ]) {
    await assert.rejects(hj.auth.signIn(CREDENTIALS), isFailure("internal"));
  }
  assert.deepEqual((await hj.stats()).sessions, { active: 0, expired: 0, revoked: 0 });
});

test("an error of authenticate becomes the cause and is not printed", async (t) => {
  const cause = new Error("the password of root is hunter2");
  for (const authenticate of [
    () => {
      throw cause;
    },
    () => Promise.reject(cause),
  ]) {
    const hj = makeTenant(t, { authenticate });
    await assert.rejects(hj.auth.signIn(CREDENTIALS), (error) => {
      isFailure("internal")(error);
      assert.equal(error.cause, cause);
      assert.doesNotMatch(error.message, /hunter2/);
      assert.equal(error.status, 500);
      return true;
    });
  }
});

test("signIn refuses malformed credentials before it calls authenticate", async (t) => {
  const hj = makeTenant(t, { authenticate: () => assert.fail("asked") });
  for (const [options, field] of [
    [undefined, "options"],
    [[], "options"],
    [{ password: "p" }, "email"],
    [{ ...CREDENTIALS, password: 7 }, "password"],
    [{ ...CREDENTIALS, email: "\ud800" }, "email"],
    [{ ...CREDENTIALS, ipAddress: 7 }, "ipAddress"],
    [{ ...CREDENTIALS, sessionOptions: { length: "1h" } }, "length"],
    [{ ...CREDENTIALS, sessionOptions: "1h" }, "sessionOptions"],
  ]) {
    await assert.rejects(hj.auth.signIn(options), isFailure("validation_error", field));
  }
  await hj.close();
  await assert.rejects(hj.auth.signIn(CREDENTIALS), isFailure("engine_closed"));
  await assert.rejects(makeTenant(t).auth.signIn(CREDENTIALS), isFailure("validation_error", "authenticate"));
});

test("signOut takes an access or refresh token, and one or all sessions", async (t) => {
  const hj = makeTenant(t);
  const grants = await Promise.all([1, 2, 3, 4].map(() => hj.sessions.create({ userId: "u" })));
  assert.deepEqual(await hj.auth.signOut(grants[0].accessToken), { revoked: 1 });
  assert.deepEqual(await hj.auth.signOut(grants[1].refreshToken, { scope: "local" }), { revoked: 1 });
  assert.equal((await hj.sessions.get(grants[1].session.id)).endReason, "sign_out");
  assert.deepEqual(await hj.auth.signOut(grants[2].accessToken, { scope: "global" }), { revoked: 2 });
  assert.equal((await hj.sessions.get(grants[3].session.id)).endReason, "revoke_all");
  await assert.rejects(hj.auth.signOut(""), isFailure("missing_token"));
  await assert.rejects(
    hj.auth.signOut(grants[2].accessToken, { scope: "all" }),
    isFailure("validation_error", "scope"),
  );
});

test("forty wrong passwords at once ask authenticate ten times", async (t) => {
  let asked = 0;
  const hj = makeTenant(t, {
    authenticate: async () => {
      asked += 1;
      return null;
    },
  });
  const credentials = { ...CREDENTIALS, ipAddress: "203.0.113.42" };
  const refusals = await Promise.all(
    Array.from({ length: 40 }, () => hj.auth.signIn(credentials).then(assert.fail, (error) => error)),
  );
  assert.equal(asked, 10);
  assert.equal(refusals.filter((error) => error.code === "invalid_credentials").length, 10);
  const limited = refusals.filter((error) => error.code === "too_many_requests");
  assert.equal(limited.length, 30);
  for (const error of limited) {
    assert.equal(error.status, 429);
    assert.ok(error.retryAfter > 890 && error.retryAfter <= 900, error.retryAfter);
  }
  assert.equal(refusals.find((error) => error.code === "invalid_credentials").retryAfter, null);
});

test("a host that checks credentials itself gives each attempt one outcome", async (t) => {
  const hj = makeTenant(t, { signInLimit: { account: 2 } });
  const begin = () => hj.auth.beginSignIn("ada@example.com", { ipAddress: "203.0.113.42" });
  const attempt = await begin();
  const { session } = await attempt.succeed({ userId: "usr_ada", ipAddress: "203.0.113.42" });
  assert.equal(session.userId, "usr_ada");
  await assert.rejects(attempt.fail(), isFailure("validation_error"));
  await assert.rejects(attempt.cancel(), isFailure("validation_error"));
  await (await begin()).cancel();
  for (const _ of [1, 2]) {
    const error = await (await begin()).fail();
    assert.ok(isFailure("invalid_credentials")(error));
  }
  await assert.rejects(begin(), isFailure("too_many_requests"));
  await assert.rejects(hj.auth.beginSignIn(""), isFailure("validation_error"));
  await assert.rejects(hj.auth.beginSignIn("eve", { ipAddress: "nowhere" }), isFailure("validation_error"));
  await assert.rejects(hj.auth.beginSignIn("eve", { address: "::1" }), isFailure("validation_error"));
});

test("signInLimit null lets any number of sign-ins fail, and a bad limit is refused at once", async (t) => {
  const hj = makeTenant(t, { signInLimit: null, authenticate: () => null });
  for (let failure = 0; failure < 120; failure++) {
    await assert.rejects(hj.auth.signIn(CREDENTIALS), isFailure("invalid_credentials"));
  }
  for (const signInLimit of [
    { account: 0 },
    { account: 1001 },
    { address: 1.5 },
    { window: "2d" },
    { window: null, accounts: 5 },
    5,
    "10",
    true,
  ]) {
    assert.throws(
      () => makeTenant(t, { signInLimit }),
      isFailure("validation_error"),
      JSON.stringify(signInLimit),
    );
  }
});
