// A token that was seen before does not make a request good that would not be.
import assert from "node:assert/strict";
import { test } from "node:test";
import internal from "../../npm/node/dist/rest/known_users.js";
import { TENANT } from "./fixture.mjs";
import { bearer, makePair, pass } from "./gates.mjs";

test("any other request with a token that was seen before is answered as if it was not", async (t) => {
  const { remembering, forgetful } = makePair(t, { rest: { cookie: { access: true } } });
  const { accessToken } = await remembering.sessions.create({ userId: "usr_1" });
  const other = await remembering.sessions.create({ userId: "usr_2" });
  const [mine, theirs] = [remembering.requireAuth(), forgetful.requireAuth()];
  const token = bearer(accessToken);
  const many = (count, ...pair) => Array.from({ length: count }, () => pair).flat();
  const requests = {
    "the same": [token],
    "with the headers of a browser": [
      ["Host", "a", "Cookie", "theme=dark", "X-Requested-With", "fetch", ...token],
    ],
    "a post of another site": [
      ["Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", ...token],
      "POST",
    ],
    "its own name": [["X-Tenant-ID", TENANT.tenantId, ...token]],
    "another tenant's name": [["X-Tenant-ID", "tnt_other", ...token]],
    "another tenant's name, written otherwise": [["x-tenant-id", "tnt_other", ...token]],
    "two tokens": [[...token, ...token]],
    "two different tokens": [[...token, ...bearer(other.accessToken)]],
    "two headers of names in different case": [[...token, "AUTHORIZATION", "Basic YTpi"]],
    "a scheme in another case": [["authorization", `bearer ${accessToken}`]],
    "spaces around": [["authorization", `Bearer   ${accessToken} `]],
    "a cookie beside": [["Cookie", `__Host-hj_access=${other.accessToken}`, ...token]],
    "a token cut at its end": [bearer(accessToken.slice(0, -1))],
    "a token cut at its beginning": [bearer(accessToken.slice(1))],
    "another token with the end of this one": [
      bearer(`${other.accessToken.slice(0, -86)}${accessToken.slice(-86)}`),
    ],
    "no token": [[]],
    "no scheme": [["Authorization", accessToken]],
    "a preflight": [
      ["Origin", "https://a.example", "Access-Control-Request-Method", "GET", ...token],
      "OPTIONS",
    ],
    "the method of one": [token, "OPTIONS"],
    "an unknown method": [token, "BREW"],
    "no method at all": [token, "G T"],
    "a name with a space": [["X Name", "1", ...token]],
    "an empty name": [["", "1", ...token]],
    "a name that is not ASCII": [["X-N\u00e4me", "1", ...token]],
    "a control character in a value": [["X-Name", "1\u00002", ...token]],
    "a delete character in a value": [["X-Name", "1\u007f2", ...token]],
    "a line break in a value": [["X-Name", "1\r\nX-Tenant-ID: tnt_other", ...token]],
    "a value that is not Latin": [["X-Name", "1\u20ac", ...token]],
    "a value that is Latin": [["X-Name", "\u00fc\t1", ...token]],
    "as many headers as may be": [[...many(127, "A", "1"), ...token]],
    "too many headers": [[...many(128, "A", "1"), ...token]],
    "headers of as many bytes as may be": [
      ["A", "x".repeat(32 * 1024 - 1 - 20 - accessToken.length), ...token],
    ],
    "headers of too many bytes": [["A", "x".repeat(32 * 1024 - 20 - accessToken.length), ...token]],
    "HTTP/2": [[":method", "GET", ":path", "/", ":authority", "a.example", ...token]],
    "HTTP/2 with a bad authority": [[":authority", "a\u0000b", ...token]],
    "an odd number of texts": [[...token, "X-Name"]],
  };
  const codes = new Map();
  for (const [name, [headers, method]] of Object.entries(requests)) {
    await pass(mine, token); // seen before, and fresh
    for (let n = 0; n < 2; n += 1) {
      const [{ outcome }, expected] = [
        await pass(mine, headers, method),
        await pass(theirs, headers, method),
      ];
      assert.deepEqual(outcome, expected.outcome, name);
      codes.set(name, outcome.code ?? outcome.auth?.userId ?? outcome.status);
    }
  }
  // The table is about something.
  assert.equal(codes.get("the same"), "usr_1");
  assert.equal(codes.get("another tenant's name"), "tenant_mismatch");
  assert.equal(codes.get("two tokens"), "bad_request");
  assert.equal(codes.get("another token with the end of this one"), "invalid_token");
  assert.equal(codes.get("a preflight"), 204);
  assert.equal(codes.get("a control character in a value"), "bad_request");
  assert.equal(codes.get("as many headers as may be"), "usr_1");
  assert.equal(codes.get("too many headers"), "bad_request");
  assert.equal(codes.get("headers of as many bytes as may be"), "usr_1");
  assert.equal(codes.get("headers of too many bytes"), "bad_request");
  assert.equal(codes.get("a cookie beside"), "usr_1");
  assert.ok((await pass(mine, requests["HTTP/2"][0])).isAtOnce);
});

test("an answer that comes after a later one lets no other guard remember the user", () => {
  // By the numbers of their validators: the answers that nothing has changed since.
  const current = new Set([2]);
  const tenant = { isFresh: (number) => current.has(number), isUnchanged: (number) => current.has(number) };
  const users = new internal.KnownUsers(tenant, "tnt_acme", { answers: 8, bytes: 1 << 20 });
  const [anyone, admins] = ["{}", '{"role":"admin"}'].map((options) => users.kindOf(options, () => {}));
  anyone.operation = admins.operation = "require_auth";
  const member = { role: "member" };
  users.keep("Bearer t", 2, member, anyone);
  users.keep("Bearer t", 1, { role: "admin" }, admins); // of before the demotion
  assert.equal(users.find("Bearer t", admins), undefined);
  assert.equal(users.find("Bearer t", anyone), member);
  current.add(3);
  users.keep("Bearer t", 3, member, admins);
  assert.equal(users.find("Bearer t", admins), member);
});
