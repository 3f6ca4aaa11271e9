// Bad requests over real sockets, byte for byte: the documented status and envelope, never a 500, never a change.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { TENANT } from "./fixture.mjs";
import { inEveryHost, makeTenantWithAda, SECRET, signIn } from "./hosts.mjs";

/** Writes raw bytes and reads until the server has answered and closed; resolves to status, headers, body. */
async function wire(base, text) {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  let received = "";
  socket.setEncoding("latin1").on("data", (chunk) => (received += chunk));
  socket.on("error", () => undefined);
  socket.write(text, "latin1");
  await new Promise((settle) => socket.on("close", settle));
  const [head, body = ""] = received.split("\r\n\r\n", 2);
  const [first, ...headers] = head.split("\r\n");
  return {
    status: Number(first.split(" ")[1]),
    headers: Object.fromEntries(
      headers.map((line) => [line.split(":")[0].toLowerCase(), line.replace(/^[^:]*: */, "")]),
    ),
    body,
    received,
  };
}

const KEY = `Authorization: Bearer ${TENANT.secretKey}`;
const JSON_TYPE = "Content-Type: application/json";

function request(line, headers = [], body = "") {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body, "latin1")}`];
  return [`${line} HTTP/1.1`, "Host: api", "Connection: close", ...headers, ...length, "", body].join("\r\n");
}

const signInWith = (body, ...headers) => request("POST /v1/auth/sign-in", headers, body);

/** Requests, each with the expected status and code. `token` and `id` are those of an active session. */
const table = ({ token, id }) => [
  ["malformed JSON", signInWith('{"email":', JSON_TYPE), 400, "bad_request"],
  ["trailing text", signInWith("{} {}", JSON_TYPE), 400, "bad_request"],
  ["no UTF-8", signInWith('{"email":"\xff"}', JSON_TYPE), 400, "bad_request"],
  ["too deep", signInWith("[".repeat(60_000), JSON_TYPE), 400, "bad_request"],
  ["no content type", signInWith("{}"), 400, "bad_request"],
  ["a form", signInWith("email=a", "Content-Type: application/x-www-form-urlencoded"), 400, "bad_request"],
  ["a content type that is none", signInWith("{}", "Content-Type: ;;="), 400, "bad_request"],
  ["two content types", signInWith("{}", JSON_TYPE, JSON_TYPE), 400, "bad_request", ["hono"]],
  ["a compressed body", signInWith("{}", JSON_TYPE, "Content-Encoding: gzip"), 400, "bad_request"],
  ["duplicate names", signInWith('{"email":"a","email":"b","password":"p"}', JSON_TYPE), 400, "bad_request"],
  ["no object", signInWith("[]", JSON_TYPE), 422, "validation_error"],
  ["no password", signInWith('{"email":"a"}', JSON_TYPE), 422, "validation_error"],
  ["a password that is none", signInWith('{"email":"a","password":{}}', JSON_TYPE), 422, "validation_error"],
  ["wrong", signInWith('{"email":"a","password":"p"}', JSON_TYPE), 401, "invalid_credentials"],
  [
    "wrong too",
    signInWith('{"email":"ada@example.com","password":"p"}', JSON_TYPE),
    401,
    "invalid_credentials",
  ],
  ["a prototype", signInWith('{"__proto__":{"email":"a"}}', JSON_TYPE), 422, "validation_error"],
  ["a huge body", signInWith("x".repeat(70_000), JSON_TYPE), 413, "payload_too_large"],
  [
    "a huge body in chunks",
    `${request("POST /v1/auth/sign-in", [JSON_TYPE, "Transfer-Encoding: chunked"])}${`4000\r\n${"x".repeat(0x4000)}\r\n`.repeat(5)}0\r\n\r\n`,
    413,
    "payload_too_large",
  ],
  [
    "a body where none belongs",
    request("DELETE /v1/sessions", [KEY, JSON_TYPE], '{"user_id":"usr_bob"}'),
    400,
    "bad_request",
  ],
  [
    "an empty body for the whole tenant",
    request("DELETE /v1/sessions", [KEY, JSON_TYPE], "{}"),
    422,
    "validation_error",
  ],
  [
    "many headers",
    request("DELETE /v1/sessions", [KEY, ...Array.from({ length: 300 }, (_, at) => `x-${at}: y`)]),
    400,
    "bad_request",
  ],
  ["a long target", request(`DELETE /v1/sessions?user_id=${"u".repeat(9_000)}`, [KEY]), 400, "bad_request"],
  ["no credentials", request("DELETE /v1/sessions"), 401, "missing_token"],
  ["another scheme", request("DELETE /v1/sessions", ["Authorization: Basic YTpi"]), 401, "missing_token"],
  ["a wrong key", request("DELETE /v1/sessions", ["Authorization: Bearer sk_wrong"]), 401, "invalid_api_key"],
  ["a bad token", request("DELETE /v1/sessions", ["Authorization: Bearer a.b.c"]), 401, "invalid_token"],
  [
    "bytes for a token",
    request("DELETE /v1/sessions", ["Authorization: Bearer \xff\xfe"]),
    401,
    "invalid_token",
  ],
  ["the key twice", request("DELETE /v1/sessions", [KEY, KEY]), 400, "bad_request", ["hono"]],
  [
    "a token for the key",
    request("GET /v1/admin/stats", [`Authorization: Bearer ${token}`]),
    403,
    "insufficient_permissions",
  ],
  ["another tenant", request("DELETE /v1/sessions", [KEY, "X-Tenant-ID: tnt_other"]), 403, "tenant_mismatch"],
  [
    "another user",
    request("DELETE /v1/sessions?user_id=usr_bob", [`Authorization: Bearer ${token}`]),
    403,
    "insufficient_permissions",
  ],
  ["a misspelt parameter", request("DELETE /v1/sessions?userid=usr_bob", [KEY]), 422, "validation_error"],
  ["an empty parameter", request("DELETE /v1/sessions?user_id=", [KEY]), 422, "validation_error"],
  ["a parameter twice", request("DELETE /v1/sessions?user_id=a&user_id=b", [KEY]), 422, "validation_error"],
  ["a broken escape", request("DELETE /v1/sessions?user_id=%zz", [KEY]), 400, "bad_request"],
  ["an overlong escape", request("DELETE /v1/sessions?user_id=%c0%af", [KEY]), 400, "bad_request"],
  ["an escaped NUL", request("DELETE /v1/sessions?user_id=%00", [KEY]), 422, "validation_error"],
  ["an id with an escaped slash", request(`DELETE /v1/sessions/x%2f${id}`, [KEY]), 404, "session_not_found"],
  [
    "an id with a broken escape",
    request(`DELETE /v1/sessions/${id}%`, [KEY]),
    404,
    "session_not_found",
    ["fastify 5"],
  ],
  ["an id with more behind it", request(`DELETE /v1/sessions/${id}%00`, [KEY]), 404, "session_not_found"],
  ["a very long id", request(`DELETE /v1/sessions/${"s".repeat(4_000)}`, [KEY]), 404, "session_not_found"],
  ["a wrong method", request("PUT /v1/sessions", [KEY]), 405, "method_not_allowed"],
  ["another wrong method", request("GET /v1/auth/sign-in"), 405, "method_not_allowed"],
  ["no refresh token", request("POST /v1/auth/token/refresh"), 401, "missing_token"],
  [
    "a bad refresh token",
    request("POST /v1/auth/token/refresh", [JSON_TYPE], '{"refresh_token":"rt_x"}'),
    401,
    "refresh_token_invalid",
  ],
  [
    "a misspelt setting",
    request("PATCH /v1/admin/config", [KEY, JSON_TYPE], '{"idle":"1d"}'),
    422,
    "validation_error",
  ],
];

/** Paths outside the API: the last handler answers 404. */
const STRANGERS = [
  "/v1/sessions/",
  "/v1//sessions",
  "//v1/sessions",
  "/v1/%73essions",
  "/V1/sessions",
  "/v1/users",
  "/v1/sessions;x",
];

inEveryHost(test, "bad requests get the documented refusal", async (t, mount, host) => {
  const failures = [];
  const hj = makeTenantWithAda(t);
  const base = await mount(t, hj, { onError: (error) => failures.push(error) });
  const grant = await signIn(base);
  const before = [
    await hj.config.get(),
    (await hj.stats()).sessions,
    await hj.sessions.get(grant.session_id),
  ];
  for (const [name, text, status, code, lenient = []] of table({
    token: grant.access_token,
    id: grant.session_id,
  })) {
    const answer = await wire(base, text);
    if (lenient.includes(host)) {
      // The host itself may refuse (the Fetch API merges headers, a router refuses a path): with another refusal, never a success.
      assert.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.received}`);
      continue;
    }
    assert.equal(answer.status, status, `${name}: ${answer.received}`);
    const json = JSON.parse(answer.body.slice(answer.body.indexOf("{"), answer.body.lastIndexOf("}") + 1));
    const { request_id, message, ...error } = json.error;
    assert.deepEqual(error, { code, status }, name);
    assert.match(request_id, /^req_/);
    assert.equal(typeof message, "string");
    assert.equal(answer.headers["www-authenticate"], status === 401 ? "Bearer" : undefined, name);
    assert.equal("allow" in answer.headers, status === 405, name);
    assert.ok(!answer.received.includes(TENANT.secretKey), name);
  }
  for (const path of STRANGERS) {
    const answer = await wire(base, request(`DELETE ${path}`, [KEY]));
    assert.equal(answer.status, 404, `${path}: ${answer.received}`);
  }
  assert.deepEqual(failures, []);
  const after = [await hj.config.get(), (await hj.stats()).sessions, await hj.sessions.get(grant.session_id)];
  assert.deepEqual(after, before);
});

inEveryHost(test, "the same target reaches the API in every host", async (t, mount, host) => {
  const hj = makeTenantWithAda(t);
  const base = await mount(t, hj, { trailingSlash: true });
  const { session_id: id } = await signIn(base);
  for (const [target, status] of [
    ["/v1/sessions", 200],
    ["/v1/sessions?", 200],
    ["/v1/sessions?&", 200],
    ["/v1/sessions?user_id=usr_ada&", 200],
    ["/v1/sessions?user_id=usr%5Fada", 200],
    ["/v1/sessions?user_id=a/../b", 200],
    ["/v1/sessions?user_id=https://a/b", 200],
    ["http://api/v1/sessions", 200],
    ["http://api:80/v1/sessions?limit=1", 200],
    [`/v1/sessions/${id}`, 200],
    [`/v1/sessions/${id}?`, 200],
    [`/v1/sessions/${id.replace("_", "%5f")}`, 200],
    ["/v1/sessions/", 200],
    [`/v1/sessions/${id}/`, 200],
    ["/.well-known/jwks.json/", 200],
    ["/v1/admin/stats/?", 200],
    ["/v1/sessions?x", 422],
    ["/v1/sessions?=", 422],
    ["/v1/sessions?user_id", 422],
    ["//v1/sessions", 404],
    ["/v1//sessions", 404],
    ["/v1/sessions//", 404],
    ["http://api//v1/sessions", 404],
    ["/v1/%73essions", 404],
    ["/v1%2fsessions", 404],
    ["/V1/sessions", 404],
  ]) {
    const answer = await wire(base, request(`GET ${target}`, [KEY]));
    assert.equal(answer.status, status, `${target}: ${answer.received}`);
  }
  for (const body of ["{}", "null", " { } "]) {
    const answer = await wire(base, request(`DELETE /v1/sessions/${id}`, [KEY, JSON_TYPE], body));
    assert.equal(answer.status, 204, answer.received);
  }
  const utf8 = request(
    "PATCH /v1/admin/config",
    [KEY, "Content-Type: application/json; charset=utf8"],
    "\xef\xbb\xbf{}",
  );
  assert.equal((await wire(base, utf8)).status, 200, host);
  assert.equal((await wire(base, request("DELETE /v1/sessions/", [KEY]))).status, 404, "a lost id");
});

/** Opens a connection that stays open: writes, and reads on until the pattern has come as often as expected. */
function connection(t, base) {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  let received = "";
  let look = () => undefined;
  socket.setEncoding("latin1").on("data", (chunk) => {
    received += chunk;
    look();
  });
  for (const end of ["error", "close"]) socket.on(end, () => look(true));
  return {
    socket,
    write: (text) => socket.write(text, "latin1"),
    until: (pattern, times = 1) =>
      new Promise((settle, reject) => {
        look = (over) => {
          if ((received.match(pattern) ?? []).length >= times) settle(received);
          else if (over) reject(new Error(`the connection ended: ${received}`));
        };
        look();
      }),
  };
}

const keepAlive = (text) => text.replace("Connection: close\r\n", "");
const STATUS = /HTTP\/1\.1 \d+/g;
const LIST = keepAlive(request("GET /v1/sessions", [KEY]));

inEveryHost(test, "a connection stays usable after every kind of answer", async (t, mount) => {
  const { write, until } = connection(t, await mount(t, makeTenantWithAda(t)));
  const requests = [
    [signInWith("x".repeat(65_537), JSON_TYPE), 413],
    [LIST, 200],
    [request("HEAD /.well-known/jwks.json"), 200],
    [request("OPTIONS /v1/sessions"), 204],
    [request("DELETE /v1/sessions", [KEY, JSON_TYPE], "[1]"), 400],
    [request("POST /nowhere", [JSON_TYPE], "{}"), 404],
    [request("GET /v1/sessions"), 401],
    [request("POST /v1/auth/sign-out"), 401],
    [signInWith('{"email":"ada@example.com","password":"correct horse"}', JSON_TYPE), 200],
    [LIST, 200],
  ];
  for (const [at, [text]] of requests.entries()) {
    write(keepAlive(text));
    await until(STATUS, at + 1);
  }
  const statuses = (await until(STATUS, requests.length)).match(STATUS).map((line) => Number(line.slice(9)));
  assert.deepEqual(
    statuses,
    requests.map(([, status]) => status),
  );
});

inEveryHost(test, "HEAD and OPTIONS are answered as documented", async (t, mount) => {
  const base = await mount(t, makeTenantWithAda(t));
  const head = await wire(base, request("HEAD /v1/sessions", [KEY]));
  const get = await wire(base, request("GET /v1/sessions", [KEY]));
  assert.deepEqual([head.status, head.body], [200, ""]);
  assert.equal(head.headers["content-length"], get.headers["content-length"]);
  assert.equal((await wire(base, request("HEAD /v1/sessions"))).status, 401);
  const options = await wire(base, request("OPTIONS /v1/sessions"));
  assert.deepEqual([options.status, options.body], [204, ""]);
  assert.equal(options.headers["allow"], "GET, DELETE, HEAD, OPTIONS");
});

inEveryHost(
  test,
  "a body that is too long is refused while it arrives; then the connection ends, and the host keeps running",
  async (t, mount) => {
    const base = await mount(t, makeTenantWithAda(t));
    const send = (bytes) =>
      fetch(`${base}/v1/auth/sign-in`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: new Uint8Array(bytes),
      }).then(
        ({ status }) => status,
        () => "cut off",
      );
    assert.equal(await send(65_537), 413);
    assert.equal(await send(500_000), 413);
    assert.ok([413, "cut off"].includes(await send(50_000_000)));
    // An endless body in chunks: the answer comes before its end, and the connection is closed in the end.
    const { socket, write, until } = connection(t, base);
    const over = new Promise((settle) => socket.on("close", settle));
    write(request("POST /v1/auth/sign-in", ["Transfer-Encoding: chunked", JSON_TYPE]));
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    for (let sent = 0; sent <= 65_536; sent += 0x4000) write(chunk);
    assert.match(await until(STATUS), /^HTTP\/1\.1 413 /);
    // Not before the answer has come: a sender whose connection is closed loses the bytes that it has not read.
    const more = () => {
      while (!socket.destroyed && write(chunk));
    };
    socket.on("drain", more);
    more();
    await over;
    assert.equal((await fetch(`${base}/v1/sessions`, { headers: SECRET })).status, 200);
  },
);

inEveryHost(test, "a client that disconnects leaves no trace", async (t, mount) => {
  const failures = [];
  let asked = () => undefined;
  let answer = () => undefined;
  const hj = makeTenantWithAda(t, {
    authenticate: () => {
      asked();
      return new Promise((settle) => {
        answer = () => settle({ userId: "usr_ada" });
      });
    },
  });
  const base = await mount(t, hj, { onError: (error) => failures.push(error) });
  const good = keepAlive(signInWith('{"email":"ada@example.com","password":"correct horse"}', JSON_TYPE));
  // During the head, and during the body: behind a request whose answer shows that they have been read.
  for (const length of [30, good.length - 10]) {
    const { socket, write, until } = connection(t, base);
    write(LIST + good.slice(0, length));
    await until(STATUS);
    const over = new Promise((settle) => socket.on("close", settle));
    socket.destroy();
    await over;
  }
  // While the host checks the password: the sign-in is completed, and its answer is dropped.
  const { socket, write } = connection(t, base);
  const checking = new Promise((settle) => {
    asked = settle;
  });
  write(good);
  await checking;
  socket.destroy();
  answer();
  while ((await hj.stats()).sessions.active === 0);
  assert.equal((await fetch(`${base}/v1/sessions`, { headers: SECRET })).status, 200);
  assert.deepEqual((await hj.stats()).sessions, { active: 1, expired: 0, revoked: 0 });
  assert.deepEqual(failures, []);
});
