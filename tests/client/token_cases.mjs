// Access tokens, genuine and forged, each with the verdict that it deserves: `valid`, or the code of the error.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { HelloJohn, ManualClock } from "@hellojohn/node";

export const ISSUER = "https://api.hellojohn.dev";
export const TENANT = "tnt_verifier";
export const NOW = Date.UTC(2026, 0, 1);

const KID = "key_01KDVDNA00CKN8XC1SVF204DFF";
const SESSION = "ses_01KDVDNA00CKN8XC1SVF204DFF";
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const encode = (bytes) => Buffer.from(bytes).toString("base64url");
const decode = (text) => Buffer.from(text, "base64url");
const littleEndian = (number) => Buffer.from(number.toString(16).padStart(64, "0"), "hex").reverse();
const toNumber = (bytes) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);

/** Makes an engine with one genuine token, and what attackers make of it without the key. Both readers must agree on each. */
export async function makeEngineCases() {
  const clock = new ManualClock(NOW);
  const open = (tenantId) =>
    new HelloJohn({ tenantId, secretKey: "sk_test_verifier_7Hq2Zk9Wm4Xc1Vb8", database: ":memory:", clock });
  const [hj, other] = [open(TENANT), open("tnt_other")];
  const values = {
    userId: "usr_ä🐎",
    orgId: "org_1",
    role: "admin",
    email: "ada@app.test",
    claims: { plan: [1, { a: null }] },
  };
  const { accessToken } = await hj.sessions.create(values);
  const second = (await hj.sessions.create({ userId: "usr_eve" })).accessToken;
  const foreign = (await other.sessions.create({ userId: "usr_ada" })).accessToken;
  const jwks = await hj.jwks();
  await other.close();

  const [header, payload, signature] = accessToken.split(".");
  const { kid } = JSON.parse(decode(header));
  const withHeader = (text) => `${encode(text)}.${payload}.${signature}`;
  const bytes = decode(signature);
  const flip = (at) => {
    const copy = Buffer.from(bytes);
    copy[at] ^= 1;
    return `${header}.${payload}.${encode(copy)}`;
  };
  const unreduced = Buffer.concat([
    bytes.subarray(0, 32),
    littleEndian(toNumber(bytes.subarray(32)) + ORDER),
  ]);
  const last = signature.at(-1);
  const loose = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const forged = {
    nothing: "",
    "a word": "token",
    "dots only": "..",
    "two parts": `${header}.${payload}`,
    "four parts": `${accessToken}.`,
    "a space behind it": `${accessToken} `,
    "a padded signature": `${accessToken}==`,
    "the alphabet of plain base64": `${header}.${payload}.${"+".repeat(86)}`,
    "a signature that is not canonical": `${header}.${payload}.${signature.slice(0, -1)}${loose[loose.indexOf(last) + 1]}`,
    "no signature": `${header}.${payload}.`,
    "half a signature": `${header}.${payload}.${signature.slice(0, 43)}`,
    "another point in the signature": flip(0),
    "another scalar in the signature": flip(40),
    "a scalar that is not reduced": `${header}.${payload}.${encode(unreduced)}`,
    "the payload of another token": `${header}.${second.split(".")[1]}.${signature}`,
    "the signature of another token": `${header}.${payload}.${second.split(".")[2]}`,
    "no algorithm": withHeader(`{"typ":"JWT","alg":"none","kid":"${kid}"}`),
    "a symmetric algorithm": withHeader(`{"typ":"JWT","alg":"HS256","kid":"${kid}"}`),
    "another name of the algorithm": withHeader(`{"typ":"JWT","alg":"Ed25519","kid":"${kid}"}`),
    "a header in another order": withHeader(`{"alg":"EdDSA","typ":"JWT","kid":"${kid}"}`),
    "a critical extension": withHeader(
      `{"typ":"JWT","alg":"EdDSA","kid":"${kid}","crit":["b64"],"b64":false}`,
    ),
    "a key inside of the token": withHeader(`{"typ":"JWT","alg":"EdDSA","kid":"${kid}","jwk":{"kty":"OKP"}}`),
    "an address of keys": withHeader(`{"typ":"JWT","alg":"EdDSA","kid":"${kid}","jku":"https://evil.test"}`),
    "a key that is not there": withHeader(`{"typ":"JWT","alg":"EdDSA","kid":"${KID}"}`),
    "a kid in small letters": withHeader(`{"typ":"JWT","alg":"EdDSA","kid":"${kid.toLowerCase()}"}`),
    "a token of another tenant": foreign,
    "nine kilobytes": `${header}.${"A".repeat(9000)}.${signature}`,
  };
  const cases = Object.entries({ "a genuine token": accessToken, ...forged }).map(([name, token]) => ({
    name,
    token,
  }));
  return { hj, clock, jwks, cases, accessToken };
}

/** Makes an engine with a revocation list, and tokens with the word that a verifier with that list has for each. */
export async function makeListCases() {
  const clock = new ManualClock(NOW);
  const hj = new HelloJohn({
    tenantId: TENANT,
    secretKey: "sk_test_verifier_7Hq2Zk9Wm4Xc1Vb8",
    database: ":memory:",
    clock,
    config: { revocationList: true },
  });
  const signIn = async (userId) => hj.sessions.create({ userId });
  const early = await signIn("usr_ada");
  clock.advance(2_000);
  const [revoked, live] = [await signIn("usr_ada"), await signIn("usr_ada")];
  await hj.sessions.revoke(revoked.session.id);
  // So many that the list has one entry for all of them.
  const many = await Promise.all(Array.from({ length: 600 }, () => signIn("usr_ä🐎")));
  clock.advance(1_000);
  const same = await signIn("usr_ä🐎");
  await hj.sessions.revokeAll("usr_ä🐎", { except: many[7].session.id });
  clock.advance(1_000);
  const late = await signIn("usr_ä🐎");
  const { list } = await hj.revocations();
  const named = { early, revoked, live, "one of many": many[599], spared: many[7], same, late };
  const words = {
    early: "unknown",
    revoked: "session_revoked",
    live: "current",
    "one of many": "session_revoked",
    spared: "current",
    same: "unknown",
    late: "current",
  };
  const cases = Object.entries(named).map(([name, { accessToken }]) => ({
    name,
    token: accessToken,
    verdict: words[name],
  }));
  return { hj, clock, jwks: await hj.jwks(), list, cases, now: clock.now(), signIn };
}

/** Tokens that the holder of a key signed, which the engine never would. */
export function makeSignedCases() {
  const pair = generateKeyPairSync("ed25519");
  const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: KID, alg: "EdDSA", use: "sig" };
  const header = encode(`{"typ":"JWT","alg":"EdDSA","kid":"${KID}"}`);
  const signBytes = (bytes) => {
    const signed = `${header}.${encode(bytes)}`;
    return `${signed}.${encode(sign(null, Buffer.from(signed), pair.privateKey))}`;
  };
  const seconds = NOW / 1000;
  const claims = {
    iss: ISSUER,
    aud: TENANT,
    sub: "usr_ada",
    session_id: SESSION,
    sid: SESSION,
    tenant_id: TENANT,
    role: null,
    mfa_verified: false,
    iat: seconds,
    exp: seconds + 60,
    jti: "a.1",
  };
  const text = JSON.stringify(claims);
  const changed = (change) => signBytes(JSON.stringify({ ...claims, ...change }));
  const invalid = {
    "an array": signBytes("[]"),
    "two values": signBytes(`${text}{}`),
    "a byte order mark": signBytes(`\uFEFF${text}`),
    "bytes that are not UTF-8": signBytes(
      Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"a":"\xff"}', "latin1")]),
    ),
    "half a character": signBytes(text.replace("usr_ada", "\\ud800")),
    "a name that is there twice": signBytes(text.replace("{", '{"sub":"usr_eve",')),
    "a name that is there twice, once with an escape": signBytes(
      text.replace("{", '{"s\\u0075b":"usr_eve",'),
    ),
    "a name that is there twice further inside": signBytes(text.replace("{", '{"a":[{"b":1,"b":2}],')),
    "a number that is too large": signBytes(text.replace("{", '{"a":1e999,')),
    "an exp with a fraction": signBytes(text.replace(/"exp":\d+/, `"exp":${seconds + 60}.0`)),
    "an exp in words": changed({ exp: String(seconds + 60) }),
    "no iat": changed({ iat: undefined }),
    "an iat that is null": changed({ iat: null }),
    "an nbf that is to come": changed({ nbf: seconds + 1 }),
    "an nbf with a fraction": changed({ nbf: seconds - 0.5 }),
    "an nbf in words": changed({ nbf: String(seconds - 1) }),
    "an nbf that is null": changed({ nbf: null }),
    "another issuer": changed({ iss: "https://evil.test" }),
    "another audience": changed({ aud: "tnt_other" }),
    "a list of audiences": changed({ aud: [TENANT] }),
    "another tenant": changed({ tenant_id: "tnt_other" }),
    "no user": changed({ sub: "" }),
    "two sessions": changed({ sid: "ses_01KDVDNA00CKN8XC1SVF204DFG" }),
    "a session that is none": changed({ sid: "ses_1", session_id: "ses_1" }),
    "a role that is a number": changed({ role: 7 }),
    "a role of an organisation, without one": changed({ org_role: "admin" }),
    "another role in the organisation": changed({ org_id: "org_1", role: "member", org_role: "admin" }),
    "a second factor in words": changed({ mfa_verified: "yes" }),
    "a nest of 200 lists": signBytes(text.replace("{", `{"a":${"[".repeat(200)}${"]".repeat(200)},`)),
    "a signature of small order": signSmall(pair.privateKey, `${header}.${encode(text)}`),
  };
  const cases = Object.entries(invalid).map(([name, token]) => ({ name, token, verdict: "invalid_token" }));
  cases.push(
    {
      name: "a token with claims of the host",
      token: changed({ a: [1, { b: '",{"' }], b: "\\u" }),
      verdict: "valid",
    },
    { name: "an nbf that has come", token: changed({ nbf: seconds }), verdict: "valid" },
    { name: "its last second", token: changed({ exp: seconds + 1 }), verdict: "valid" },
    { name: "the second of its exp", token: changed({ exp: seconds }), verdict: "token_expired" },
    { name: "long ago", token: changed({ exp: 1 }), verdict: "token_expired" },
  );
  return { jwks: { keys: [jwk] }, cases };
}

/** The secret scalar and the public key of a key, as bytes. */
function readKey(privateKey) {
  const { d, x } = privateKey.export({ format: "jwk" });
  const scalar = createHash("sha512").update(decode(d)).digest().subarray(0, 32);
  scalar[0] &= 248;
  scalar[31] = (scalar[31] & 127) | 64;
  return { scalar: toNumber(scalar), point: decode(x) };
}

/** A signature whose point is the neutral one: it fits the equation, and strict verifiers refuse it. */
function signSmall(privateKey, message) {
  const key = readKey(privateKey);
  const point = littleEndian(1n);
  const hash = createHash("sha512")
    .update(Buffer.concat([point, key.point, Buffer.from(message)]))
    .digest();
  const answer = (toNumber(hash) * key.scalar) % ORDER;
  return `${message}.${encode(Buffer.concat([point, littleEndian(answer)]))}`;
}

/** The neutral point as a key, and a token that it seems to have signed: this signature fits every message. */
export function makeNeutralKeyCase(token) {
  const { scalar, point } = readKey(generateKeyPairSync("ed25519").privateKey);
  const [header, payload] = token.split(".");
  const signature = encode(Buffer.concat([point, littleEndian(scalar % ORDER)]));
  const { kid } = JSON.parse(decode(header));
  const jwk = { kty: "OKP", crv: "Ed25519", kid, x: encode(littleEndian(1n)) };
  return { jwks: { keys: [jwk] }, token: `${header}.${payload}.${signature}` };
}
