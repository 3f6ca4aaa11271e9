// Webhooks against the public receiver package, and against receivers that fail, are slow, are gone, or send elsewhere.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { HelloJohn, HelloJohnError, ManualClock } from "@hellojohn/node";
import { Webhook as Receiver } from "standardwebhooks";
import request from "../../npm/node/dist/internal/webhook_request.js";
import webhooks from "../../npm/node/dist/webhooks.js";
import { makeFolder } from "./fixture.mjs";

const SECRET_KEY = "sk_test_Vq3nT8kLx0cJ5wRzE7uYbA";
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const START = 1_767_225_600_000;

function open(database, options = {}) {
  const config = { eventRetention: "90d" };
  return new HelloJohn({ tenantId: "tnt_hooks", secretKey: SECRET_KEY, database, config, ...options });
}

/** A server that answers as `respond` says, and the posts that it got. */
async function receive(t, respond = (_post, answer) => answer.end()) {
  const posts = [];
  const waiting = [];
  const server = createServer(async (req, answer) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const post = { headers: req.headers, body: Buffer.concat(chunks).toString(), method: req.method };
    posts.push(post);
    respond(post, answer, posts.length);
    for (const { count, resolve } of waiting) if (posts.length >= count) resolve();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}/hooks?a=1`;
  /** Resolves when the server got so many posts. */
  const got = (count) => {
    if (posts.length >= count) return Promise.resolve();
    return new Promise((resolve) => waiting.push({ count, resolve }));
  };
  return { url, posts, got };
}

const seqs = (posts) => posts.map(({ body }) => JSON.parse(body).data.seq);

test("the public receiver accepts every post, and refuses one that was changed", async (t) => {
  const hj = open(":memory:");
  t.after(() => hj.close());
  const receiver = await receive(t);
  const session = (await hj.withActor("admin:ada").sessions.create({ userId: "usr_1" })).session;
  await hj.sessions.revoke(session.id);
  const webhook = hj.webhooks({ url: receiver.url, secret: SECRET });
  await receiver.got(3);
  await webhook.stop();
  assert.equal(await webhook.ended, "stopped");
  assert.equal(webhook.lastFailure, null);
  const { events } = await hj.events.list();
  assert.deepEqual(seqs(receiver.posts), [1, 2, 3]);
  receiver.posts.forEach(({ headers, body, method }, at) => {
    const verified = new Receiver(SECRET).verify(body, headers);
    const event = events[at];
    assert.equal(method, "POST");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["webhook-id"], event.id);
    assert.deepEqual(verified, {
      type: event.type,
      timestamp: event.at.toISOString(),
      data: {
        seq: event.seq,
        id: event.id,
        type: event.type,
        at: event.at.toISOString(),
        session_id: event.sessionId,
        user_id: event.userId,
        actor: event.actor,
        data: event.data,
      },
    });
    assert.throws(() => new Receiver(SECRET).verify(body.replace('"seq":', '"seq":1'), headers));
    const another = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
    assert.throws(() => new Receiver(another).verify(body, headers));
  });
  assert.deepEqual(
    receiver.posts.map(({ body }) => JSON.parse(body).data.actor),
    [null, "admin:ada", null],
  );
});

test("a webhook of some types posts those only", async (t) => {
  const hj = open(":memory:");
  t.after(() => hj.close());
  const receiver = await receive(t);
  await hj.sessions.create({ userId: "usr_1" });
  await hj.sessions.revokeAll("usr_1");
  const webhook = hj.webhooks({ url: receiver.url, secret: SECRET, types: ["session.ended"] });
  await receiver.got(1);
  await webhook.stop();
  assert.deepEqual(seqs(receiver.posts), [3]);
});

test("a post that fails, is not answered, or is answered without an end comes again, before any later event", async (t) => {
  const hj = open(":memory:");
  t.after(() => hj.close());
  const receiver = await receive(t, (_post, answer, number) => {
    if (number === 1) answer.writeHead(500).end();
    // The second is never answered.
    else if (number === 3) answer.writeHead(200).write("…");
    else if (number > 3) answer.end();
  });
  await hj.sessions.create({ userId: "usr_1" });
  const webhook = hj.webhooks({ url: receiver.url, secret: SECRET, timeoutSeconds: 1 });
  await receiver.got(2);
  assert.equal(webhook.lastFailure, "answered 500");
  await receiver.got(3);
  assert.equal(webhook.lastFailure, "no answer in time");
  await webhook.stop();
  const next = hj.webhooks({ url: receiver.url, secret: SECRET });
  await receiver.got(5);
  await next.stop();
  assert.deepEqual(seqs(receiver.posts), [1, 1, 1, 1, 2]);
  assert.equal(new Set(receiver.posts.slice(0, 4).map(({ headers }) => headers["webhook-id"])).size, 1);
});

test("410 ends the webhook before the event, which the next webhook of the URL posts", async (t) => {
  const hj = open(":memory:");
  t.after(() => hj.close());
  const receiver = await receive(t, (_post, answer, number) =>
    answer.writeHead(number === 1 ? 410 : 204).end(),
  );
  const gone = hj.webhooks({ url: receiver.url, secret: SECRET });
  await hj.ready();
  assert.equal(await gone.ended, "gone");
  assert.equal(gone.lastFailure, "answered 410");
  await gone.stop();
  // At once: the one that ended holds the name no longer.
  const next = hj.webhooks({ url: receiver.url, secret: SECRET });
  await receiver.got(2);
  await next.stop();
  assert.deepEqual(seqs(receiver.posts), [1, 1]);
});

test("a restart in the middle of a post repeats it under the same id and goes on", async (t) => {
  const database = join(makeFolder(t), "s.db");
  let hj = open(database, { maintenanceInterval: null });
  const receiver = await receive(t, (_post, answer, number) => {
    if (number !== 2) answer.end();
  });
  for (const userId of ["usr_1", "usr_2"]) await hj.sessions.create({ userId });
  const cut = hj.webhooks({ url: receiver.url, secret: SECRET, timeoutSeconds: 1 });
  await receiver.got(2);
  await hj.close();
  await assert.rejects(cut.ended, { code: "engine_closed" });
  // As long as the lease of the one that was cut.
  hj = open(database, { clock: new ManualClock(Date.now() + 120_000) });
  t.after(() => hj.close());
  const webhook = hj.webhooks({ url: receiver.url, secret: SECRET });
  await receiver.got(4);
  await webhook.stop();
  assert.deepEqual(seqs(receiver.posts), [1, 2, 2, 3]);
  assert.equal(receiver.posts[1].headers["webhook-id"], receiver.posts[2].headers["webhook-id"]);
});

test("one of two processes posts, and when it is killed the other one goes on without a gap", async (t) => {
  const database = join(makeFolder(t), "s.db");
  const receiver = await receive(t, (_post, answer, number) => {
    if (number !== 3) answer.end();
  });
  const program = `
    import { HelloJohn, ManualClock } from "@hellojohn/node";
    const [database, url, secret] = process.argv.slice(1);
    const hj = new HelloJohn({
      tenantId: "tnt_hooks", secretKey: "${SECRET_KEY}", database, clock: new ManualClock(${START}),
      config: { eventRetention: "90d" },
    });
    for (const userId of ["usr_1", "usr_2", "usr_3"]) await hj.sessions.create({ userId });
    hj.webhooks({ url, secret });
  `;
  const args = ["--input-type=module", "-e", program, database, receiver.url, SECRET];
  const child = spawn(process.execPath, args, {
    cwd: import.meta.dirname,
    stdio: ["ignore", "ignore", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  // The child is in the middle of its third post.
  await receiver.got(3);
  const clock = new ManualClock(START + 1_000);
  const hj = open(database, { clock });
  t.after(() => hj.close());
  // While the child holds the name, this one gets nothing: the lease says so, whatever the time.
  const webhook = hj.webhooks({ url: receiver.url, secret: SECRET });
  await hj.sessions.create({ userId: "usr_4" });
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(seqs(receiver.posts), [1, 2, 3]);
  clock.set(START + 120_000);
  await receiver.got(6);
  await webhook.stop();
  assert.deepEqual(seqs(receiver.posts), [1, 2, 3, 3, 4, 5]);
});

test("a redirect is followed with the whole post, but not to a private address, too often, or to what is not HTTP", async (t) => {
  const end = await receive(t);
  const port = new URL(end.url).port;
  const outcome = async (location, allowPrivateRedirects, status = 307) => {
    const first = await receive(t, (_post, answer) =>
      answer.writeHead(status, location ? { location } : {}).end(),
    );
    const poster = new request.Poster(new URL(first.url), { timeoutMs: 10_000, allowPrivateRedirects });
    t.after(() => poster.close());
    const { failure } = await poster.post({ "x-a": "1" }, "{}");
    assert.equal(first.posts.length, location === "/" ? 4 : 1);
    return failure;
  };
  const addresses = [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    "[::1]:1",
    "[::ffff:127.0.0.1]:1",
    "10.0.0.1",
    "2130706433",
  ];
  for (const address of addresses) {
    assert.equal(await outcome(`http://${address}/`, false), "redirects to a private address", address);
  }
  assert.equal(end.posts.length, 0);
  for (const status of [307, 308]) assert.equal(await outcome(end.url, true, status), "");
  assert.deepEqual(
    end.posts.map(({ method, body, headers }) => [method, body, headers["x-a"]]),
    [
      ["POST", "{}", "1"],
      ["POST", "{}", "1"],
    ],
  );
  assert.equal(await outcome(end.url, true, 302), "answered 302");
  assert.equal(await outcome("/", true), "redirects too often");
  assert.equal(await outcome(undefined, true), "redirects to nowhere");
  assert.equal(await outcome("http://[", true), "redirects to nowhere");
  assert.equal(await outcome("ftp://example.com/", true), "redirects to what is not HTTPS");
  assert.equal(end.posts.length, 2);
});

test("an address counts as private unless it is of the public Internet", () => {
  const privates = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "fc00::1",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
    "2002:a00:1::",
  ];
  const publics = [
    "8.8.8.8",
    "100.63.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
  ];
  assert.deepEqual(
    privates.filter((address) => !request.isPrivateAddress(address)),
    [],
  );
  assert.deepEqual(
    publics.filter((address) => request.isPrivateAddress(address)),
    [],
  );
});

test("an event is posted again at growing distances of an hour at most, for three days", () => {
  const hour = 3_600_000;
  const waits = [];
  let failingFor = 0;
  for (;;) {
    const wait = webhooks.waitBeforePost(waits.length, failingFor, 0);
    if (wait === null) break;
    waits.push(wait);
    failingFor += wait;
  }
  assert.equal(failingFor, 72 * hour);
  assert.ok(waits[0] >= 750 && waits[0] <= 1250, String(waits[0]));
  assert.ok(waits.length >= 58 && waits.length <= 110, String(waits.length));
  assert.ok(waits.every((wait) => wait <= 1.25 * hour));
});

test("Retry-After by seconds or by date puts off the next post, by a day at most, and nonsense does not", () => {
  const hour = 3_600_000;
  for (const [header, wait] of [
    ["120", 120_000],
    [null, 0],
    ["", 0],
    ["-5", 0],
    ["soon", 0],
    ["1e3", 0],
    [new Date(START + 60_000).toUTCString(), 60_000],
    [new Date(START - 60_000).toUTCString(), 0],
  ]) {
    assert.equal(webhooks.readRetryAfter(header, START), wait, String(header));
  }
  assert.equal(webhooks.waitBeforePost(0, 0, 2 * hour), 2 * hour);
  assert.equal(webhooks.waitBeforePost(0, 0, 999 * hour), 24 * hour);
  assert.equal(webhooks.waitBeforePost(0, 71 * hour, 24 * hour), hour);
  assert.equal(webhooks.waitBeforePost(0, 72 * hour, 24 * hour), null);
  assert.ok(webhooks.waitBeforePost(5, 0, 1) > 1_000_000 * 0.75);
});

test("a post says what Retry-After the receiver gave, and nothing of the URL where it cannot be reached", async (t) => {
  const busy = await receive(t, (_post, answer) =>
    answer.writeHead(503, { "retry-after": "7" }).end("x".repeat(200_000)),
  );
  const poster = new request.Poster(new URL(busy.url), { timeoutMs: 10_000, allowPrivateRedirects: false });
  t.after(() => poster.close());
  assert.deepEqual(await poster.post({}, "{}"), { status: 503, retryAfter: "7", failure: "answered 503" });
  const dead = new request.Poster(new URL("http://127.0.0.1:1/token"), {
    timeoutMs: 10_000,
    allowPrivateRedirects: false,
  });
  t.after(() => dead.close());
  const failure = "cannot be reached: ECONNREFUSED";
  assert.deepEqual(await dead.post({}, "{}"), { status: 0, retryAfter: null, failure });
});

test("bad options are refused", async (t) => {
  const hj = open(":memory:");
  t.after(() => hj.close());
  const good = { url: "https://example.com/", secret: SECRET };
  const bad = [
    undefined,
    {},
    { url: good.url },
    { ...good, url: "ftp://a/" },
    { ...good, url: "x" },
    { ...good, url: "https://a:b@c/" },
    { ...good, secret: "abc" },
    { ...good, secret: "whsec_" },
    { ...good, secret: `whsec_${Buffer.alloc(23).toString("base64")}` },
    { ...good, secret: `whsec_${Buffer.alloc(65).toString("base64")}` },
    { ...good, timeoutSeconds: 0 },
    { ...good, timeoutSeconds: 61 },
    { ...good, allowPrivateRedirects: 1 },
    { ...good, name: 1 },
    { ...good, more: 1 },
  ];
  for (const options of bad) {
    assert.throws(
      () => hj.webhooks(options),
      (error) => error instanceof HelloJohnError && error.code === "validation_error",
      JSON.stringify(options),
    );
  }
  for (const more of [{ name: "" }, { name: "n".repeat(101) }, { types: [] }, { types: ["x"] }]) {
    await assert.rejects(hj.webhooks({ ...good, ...more }).ended, { code: "validation_error" });
  }
});
