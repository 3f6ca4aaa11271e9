// Access tokens verified without the engine: the verdict must be the engine's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "@hellojohn/client";
import { hasCode } from "./fixture.mjs";
import { ISSUER, makeEngineCases, makeNeutralKeyCase, makeSignedCases, NOW, TENANT } from "./token_cases.mjs";

const JWKS_URL = "https://app.example.test/.well-known/jwks.json";

/** A verifier that gets this list of keys, and counts how often. */
function makeVerifier(jwks, options = {}) {
  const asked = [];
  const verifier = createVerifier({
    jwksUrl: JWKS_URL,
    tenantId: TENANT,
    now: () => NOW,
    fetch: async (url) => {
      asked.push(String(url));
      return Response.json(typeof jwks === "function" ? await jwks() : jwks);
    },
    ...options,
  });
  return { verifier, asked };
}

const judge = (promise) =>
  promise.then(
    () => "valid",
    (error) => error.code ?? `${error.stack}`,
  );

test("genuine and forged tokens get the verdict of the engine", async () => {
  const { hj, jwks, cases } = await makeEngineCases();
  const { verifier } = makeVerifier(jwks);
  for (const { name, token } of cases) {
    const expected = await judge(hj.verifyToken(token));
    assert.equal(await judge(verifier.verify(token)), expected, name);
    assert.equal(expected === "valid", name === "a genuine token", name);
  }
  await hj.close();
});

test("tokens that are signed but wrong get the verdict of the specification", async () => {
  const { jwks, cases } = makeSignedCases();
  const { verifier } = makeVerifier(jwks);
  for (const { name, token, verdict } of cases) {
    assert.equal(await judge(verifier.verify(token)), verdict, name);
  }
});

test("a verified token answers with its claims", async () => {
  const { hj, jwks, accessToken } = await makeEngineCases();
  const { verifier } = makeVerifier(jwks);
  const { payload } = await hj.verifyTokenRemote(accessToken);
  assert.deepEqual(await verifier.verify(accessToken), payload);
  await hj.close();
});

test("a token expires with its second, by the leeway later", async () => {
  const { hj, jwks, accessToken } = await makeEngineCases();
  const { exp } = await hj.verifyToken(accessToken);
  let now = 0;
  for (const leewaySeconds of [0, 60]) {
    const { verifier } = makeVerifier(jwks, { leewaySeconds, now: () => now });
    now = (exp + leewaySeconds) * 1000 - 1;
    assert.equal(await judge(verifier.verify(accessToken)), "valid");
    now += 1;
    assert.equal(await judge(verifier.verify(accessToken)), "token_expired");
  }
  await hj.close();
});

test("keys are asked for once, for an hour", async () => {
  const { hj, jwks, accessToken } = await makeEngineCases();
  let now = NOW;
  const { verifier, asked } = makeVerifier(jwks, { now: () => now, leewaySeconds: 60 });
  await Promise.all(Array.from({ length: 20 }, () => verifier.verify(accessToken)));
  now += 3_600_000 - 1;
  await verifier.verify(accessToken);
  assert.deepEqual(asked, [JWKS_URL]);
  now += 2;
  await judge(verifier.verify(accessToken));
  assert.equal(asked.length, 2);
  await hj.close();
});

test("a rotated key is known before it signs; an unknown one has the keys asked for twice a minute at most", async () => {
  const { hj, clock, cases } = await makeEngineCases();
  const { verifier, asked } = makeVerifier(() => hj.jwks(), { now: () => clock.now() });
  const unknown = cases.find(({ name }) => name === "a key that is not there").token;
  await hj.keys.rotate();
  const first = (await hj.sessions.create({ userId: "usr_1" })).accessToken;
  await verifier.verify(first);
  await hj.keys.rotate();
  await verifier.verify((await hj.sessions.create({ userId: "usr_1" })).accessToken);
  assert.equal(asked.length, 1);
  for (let attempt = 0; attempt < 20; attempt += 1) await judge(verifier.verify(unknown));
  assert.equal(asked.length, 1, "a moment after the keys came");
  clock.advance(31_000);
  for (let attempt = 0; attempt < 20; attempt += 1) await judge(verifier.verify(unknown));
  assert.equal(asked.length, 2);
  clock.advance(31_000);
  for (const { token } of cases.filter(({ name }) =>
    /algorithm|critical|small letters|word|dots/.test(name),
  )) {
    await judge(verifier.verify(token));
  }
  assert.equal(asked.length, 2, "for tokens that no key can have signed");
  await hj.close();
});

test("keys that cannot be had are told apart from bad tokens", async () => {
  const { hj, jwks, accessToken } = await makeEngineCases();
  let answer = () => Promise.reject(new TypeError("fetch failed"));
  const verifier = createVerifier({
    jwksUrl: JWKS_URL,
    tenantId: TENANT,
    now: () => NOW,
    fetch: () => answer(),
  });
  await assert.rejects(verifier.verify(accessToken), hasCode("network_error"));
  for (const broken of [
    () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
    () => new Response("<h1>Welcome</h1>"),
    () => Response.json(null),
    () => Response.json({ keys: "none" }),
  ]) {
    answer = async () => broken();
    await assert.rejects(verifier.verify(accessToken), hasCode("unexpected_answer"));
  }
  answer = async () => Response.json(jwks);
  await verifier.verify(accessToken);
  await hj.close();
});

test("keys of other kinds are passed over, and so is one that fits every signature", async () => {
  const { hj, jwks, accessToken } = await makeEngineCases();
  const others = [
    null,
    7,
    { kty: "RSA", kid: "1", n: "x", e: "AQAB" },
    { kty: "OKP", crv: "X25519", kid: "2", x: jwks.keys[0].x },
    { kty: "OKP", crv: "Ed25519", kid: 3, x: jwks.keys[0].x },
    { kty: "OKP", crv: "Ed25519", kid: jwks.keys[0].kid, x: "AAAA" },
  ];
  const { verifier } = makeVerifier({ keys: [...others, ...jwks.keys] });
  await verifier.verify(accessToken);
  const neutral = makeNeutralKeyCase(accessToken);
  assert.equal(await judge(makeVerifier(neutral.jwks).verifier.verify(neutral.token)), "invalid_token");
  await hj.close();
});

test("bad options have typed errors", () => {
  const good = { jwksUrl: JWKS_URL, tenantId: TENANT, issuer: ISSUER };
  for (const bad of [
    { jwksUrl: "/jwks.json" },
    { tenantId: "" },
    { leewaySeconds: 61 },
    { leewaySeconds: -1 },
  ]) {
    assert.throws(() => createVerifier({ ...good, ...bad }), hasCode("validation_error"));
  }
});
