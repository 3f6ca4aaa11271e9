// Access tokens of ended sessions, refused by the revocation list without the engine.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { createVerifier } from "@hellojohn/client";
import { HelloJohn } from "@hellojohn/node";
import { hasCode } from "./fixture.mjs";
import { makeListCases, TENANT } from "./token_cases.mjs";

const ORIGIN = "https://app.example.test";
const KID = "key_01KDVDNA00CKN8XC1SVF204DFF";

/** A verifier of the engine's tokens, whose list comes from `answer`: what is asked for is kept. */
function makeVerifier({ hj, clock }, answer = (since) => hj.revocations({ since }), options = {}) {
  const asked = [];
  const verifier = createVerifier({
    jwksUrl: `${ORIGIN}/.well-known/jwks.json`,
    revocationsUrl: `${ORIGIN}/v1/revocations`,
    tenantId: TENANT,
    now: () => clock.now(),
    fetch: async (url) => {
      if (url.pathname !== "/v1/revocations") return Response.json(await hj.jwks());
      const since = Number(url.searchParams.get("since"));
      asked.push(since);
      return Response.json(await answer(since));
    },
    ...options,
  });
  const judge = (token) =>
    verifier.verify(token).then(
      ({ revocation }) => revocation,
      (error) => error.code ?? `${error.stack}`,
    );
  return { verifier, asked, judge };
}

/** A list under a key of the test's own, beside which `changes` stand. */
function signList(clock, changes = {}, typ = "hellojohn-revocations+jwt") {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload = {
    iss: "https://api.hellojohn.dev",
    aud: TENANT,
    iat: Math.floor(clock.now() / 1000),
    at: clock.now(),
    since: 0,
    seq: 0,
    has_more: false,
    sessions: [],
    many: [],
    pending: [],
    ...changes,
  };
  const signed = `${encode({ typ, alg: "EdDSA", kid: KID })}.${encode(payload)}`;
  const list = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`;
  return { list, jwk: { ...publicKey.export({ format: "jwk" }), kid: KID } };
}

test("each token gets the word that the list has for it", async () => {
  const world = await makeListCases();
  const { judge, verifier } = makeVerifier(world);
  for (const { name, token, verdict } of world.cases) assert.equal(await judge(token), verdict, name);
  const live = world.cases.find(({ name }) => name === "live").token;
  const answer = await verifier.verify(live);
  assert.equal(answer.claims.sub, "usr_ada");
  assert.equal(answer.listedAt, world.clock.now());
  await world.hj.close();
});

test("what ends later is refused by the next delta, and a list that is not older than half of the bound is not asked for", async () => {
  const world = await makeListCases();
  const { clock, hj } = world;
  const { judge, asked } = makeVerifier(world);
  const { session, accessToken } = await world.signIn("usr_eve");
  assert.equal(await judge(accessToken), "current");
  await hj.sessions.revoke(session.id);
  clock.advance(5_000);
  assert.equal(await judge(accessToken), "current", "a list of five seconds ago");
  assert.equal(asked.length, 1);
  clock.advance(6_000);
  assert.equal(await judge(accessToken), "session_revoked");
  assert.equal(asked.length, 2);
  assert.ok(asked[1] > 0, "a delta");
  await hj.keys.rotate();
  clock.advance(11_000);
  assert.equal(await judge(accessToken), "session_revoked", "under another key");
  assert.equal(await judge((await world.signIn("usr_eve")).accessToken), "current");
  await hj.close();
});

test("what the cap has ended leaves the session of an actor, and the end of all of the user's sessions ends it", async () => {
  const world = await makeListCases();
  const { clock, hj } = world;
  const { judge, verifier } = makeVerifier(world);
  const actor = { userId: "op_1", reason: "ticket 4711" };
  const acted = (await hj.sessions.create({ userId: "usr_eve", actor })).accessToken;
  // So many that the list has one entry for all of them.
  const own = await Promise.all(Array.from({ length: 600 }, () => world.signIn("usr_eve")));
  clock.advance(2_000);
  await hj.config.update({ maxSessionsPerUser: 2 });
  await world.signIn("usr_eve");
  clock.advance(11_000);
  assert.equal(await judge(own[0].accessToken), "session_revoked");
  assert.equal(await judge(acted), "current");
  assert.deepEqual((await verifier.verify(acted)).claims.act, { sub: "op_1" });
  await hj.sessions.revokeAll("usr_eve");
  clock.advance(11_000);
  assert.equal(await judge(acted), "session_revoked");
  const alone = await hj.sessions.create({ userId: "usr_kim", actor });
  assert.equal(await judge(alone.accessToken), "current");
  await hj.sessions.revoke(alone.session.id);
  clock.advance(11_000);
  assert.equal(await judge(alone.accessToken), "session_revoked");
  await hj.close();
});

test("a list that is too old is told as stale, and what it refuses stays refused", async () => {
  const world = await makeListCases();
  const { clock } = world;
  let answer = (since) => world.hj.revocations({ since });
  const { judge, asked, verifier } = makeVerifier(world, (since) => answer(since));
  const [live, revoked] = ["live", "revoked"].map((name) => world.cases.find((it) => it.name === name).token);
  answer = () => Promise.reject(new TypeError("fetch failed"));
  assert.equal(await judge(live), "stale", "no list was ever there");
  assert.equal((await verifier.verify(live)).listedAt, null);
  assert.equal(asked.length, 1, "a list that cannot be had is asked for once a second");
  clock.advance(1_000);
  answer = (since) => world.hj.revocations({ since });
  assert.equal(await judge(live), "current");
  answer = async () => ({ error: { code: "storage_busy" } });
  clock.advance(10_001);
  assert.equal(await judge(live), "stale");
  assert.equal(await judge(revoked), "session_revoked");
  await world.hj.close();
});

test("a forged, foreign, older or interrupted list changes nothing", async () => {
  const world = await makeListCases();
  const { clock, hj } = world;
  const live = world.cases.find(({ name }) => name === "live").token;
  const other = new HelloJohn({
    tenantId: "tnt_other",
    secretKey: "sk_test_verifier_7Hq2Zk9Wm4Xc1Vb8",
    database: ":memory:",
    clock,
    config: { revocationList: true },
  });
  const { session } = await world.signIn("usr_eve");
  const before = await hj.revocations();
  await hj.sessions.revoke(session.id);
  let answer = (since) => hj.revocations({ since });
  const { judge, asked } = makeVerifier(world, (since) => answer(since));
  assert.equal(await judge(live), "current");
  const [header, payload, signature] = (await hj.revocations()).list.split(".");
  const none = Buffer.from('{"typ":"hellojohn-revocations+jwt","alg":"none"}').toString("base64url");
  const behindGap = async () => {
    await hj.sessions.revoke((await world.signIn("usr_eve")).session.id);
    const { seq } = await hj.revocations();
    await hj.sessions.revoke((await world.signIn("usr_eve")).session.id);
    return hj.revocations({ since: seq });
  };
  const foreign = await other.revocations();
  for (const [name, forged] of Object.entries({
    "of another tenant": () => foreign,
    "an older one": () => before,
    "behind a gap": behindGap,
    "an access token": () => ({ list: live }),
    unsigned: () => ({ list: `${none}.${payload}.` }),
    "without its signature": () => ({ list: `${header}.${payload}.` }),
    "with another payload": async () => {
      const later = (await hj.revocations()).list.split(".");
      return { list: `${header}.${later[1]}.${signature}` };
    },
    "under a key that is not the tenant's": () => signList(clock),
    "no list": () => ({}),
    "a number": () => ({ list: 7 }),
    "two megabytes": () => ({ list: `${header}.${"A".repeat(2 * 1024 * 1024)}.${signature}` }),
  })) {
    answer = forged;
    clock.advance(11_000);
    assert.equal(await judge(live), "stale", name);
    answer = (since) => hj.revocations({ since });
    clock.advance(1_000);
    assert.equal(await judge(live), "current", name);
    assert.ok(
      asked.every((since, at) => at === 0 || since > 0),
      `${name}: what is held stays`,
    );
  }
  await other.close();
  await hj.close();
});

test("a list is no access token", async () => {
  const world = await makeListCases();
  const { judge } = makeVerifier(world);
  assert.equal(await judge(world.list), "invalid_token");
  await assert.rejects(world.hj.verifyToken(world.list), hasCode("invalid_token"));
  await world.hj.close();
});

test("a genuine list of another shape or issuer is refused", async () => {
  const world = await makeListCases();
  const { clock } = world;
  const live = world.cases.find(({ name }) => name === "live").token;
  const judgeWith = (changes, typ) => {
    const { list, jwk } = signList(clock, changes, typ);
    const fetch = async ({ pathname }) =>
      Response.json(pathname === "/v1/revocations" ? { list } : { keys: [...world.jwks.keys, jwk] });
    return makeVerifier(world, undefined, { fetch }).judge(live);
  };
  assert.equal(await judgeWith({}), "current");
  for (const bad of [
    { iss: "https://evil.test" },
    { aud: "tnt_other" },
    { at: "now" },
    { since: -1 },
    { seq: 0.5 },
    { has_more: 0 },
    { start: { at: 1 } },
    { sessions: {} },
    { sessions: [{ sid: 1, exp: 1 }] },
    { sessions: [null] },
    { many: [{ at: 1 }] },
    { many: [{ at: 1, exp: 9, spares_actors: 1 }] },
    { pending: [{ at: 1, newest: 7 }] },
    { at: clock.now() + 61_000 },
    { at: clock.now() - 11_000 },
  ]) {
    assert.equal(await judgeWith(bad), "stale", JSON.stringify(bad));
  }
  for (const typ of ["JWT", "revocations+jwt"]) assert.equal(await judgeWith({}, typ), "stale", typ);
  await world.hj.close();
});

test("a list of many pages is read to its end, and what is too much to hold is told as unknown", async () => {
  const world = await makeListCases();
  const { clock } = world;
  const live = world.cases.find(({ name }) => name === "live").token;
  const exp = Math.floor(clock.now() / 1000) + 600;
  const pages = (count) => {
    const page = (number) => ({
      since: number * 1000,
      seq: (number + 1) * 1000,
      has_more: number + 1 < count,
      sessions: Array.from({ length: 1_000 }, (_, at) => ({ sid: `ses_${number}_${at}`, exp })),
    });
    return (since) => page(since / 1000);
  };
  const judgeOf = (answer) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: KID };
    const header = encode({ typ: "hellojohn-revocations+jwt", alg: "EdDSA", kid: KID });
    let requests = 0;
    const fetch = async (url) => {
      if (url.pathname !== "/v1/revocations") return Response.json({ keys: [...world.jwks.keys, jwk] });
      requests += 1;
      const rest = { iss: "https://api.hellojohn.dev", aud: TENANT, at: clock.now(), many: [], pending: [] };
      const signed = `${header}.${encode({ ...rest, ...answer(Number(url.searchParams.get("since"))) })}`;
      const signature = sign(null, Buffer.from(signed), privateKey).toString("base64url");
      return Response.json({ list: `${signed}.${signature}` });
    };
    const { judge } = makeVerifier(world, undefined, { fetch });
    return async () => [await judge(live), requests];
  };
  assert.deepEqual(await judgeOf(pages(3))(), ["current", 3]);
  assert.deepEqual(await judgeOf(pages(102))(), ["unknown", 102]);
  await world.hj.close();
});

test("a token that the list has outlived has expired, also by a clock that is behind", async () => {
  const world = await makeListCases();
  const { clock, hj } = world;
  const live = world.cases.find(({ name }) => name === "live");
  const { exp } = await hj.verifyToken(live.token);
  clock.set(exp * 1000 + 30_000);
  const { judge } = makeVerifier(world, undefined, { now: () => exp * 1000 - 1_000 });
  assert.equal(await judge(live.token), "token_expired");
  await hj.close();
});

test("bad options have typed errors", () => {
  const good = { jwksUrl: `${ORIGIN}/jwks`, revocationsUrl: `${ORIGIN}/list`, tenantId: TENANT };
  createVerifier(good);
  for (const bad of [
    { revocationsUrl: "/list" },
    { maxStaleness: 0 },
    { maxStaleness: 3601 },
    { maxStaleness: "x" },
  ]) {
    assert.throws(() => createVerifier({ ...good, ...bad }), hasCode("validation_error"));
  }
});
