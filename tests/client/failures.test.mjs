// What goes wrong between a page and the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HelloJohnError } from "@hellojohn/client";
import { ALONE, BLOCKED, hasCode, makeWorld, ORIGIN, signIn } from "./fixture.mjs";

const HOUR = 3_600_000;
const PATH = "/v1/auth/token/refresh";
const REFRESH = `POST ${PATH}`;

/** A page whose user is signed in, and whose access token has expired. */
async function openExpired(t, { world = makeWorld(t), ...options } = {}) {
  const client = world.open(options);
  const user = await signIn(client);
  world.pass(HOUR);
  return { world, client, user, before: world.count(REFRESH) };
}

test("20 parallel requests that are refused lead to one refresh", async (t) => {
  for (const environment of [{}, ALONE, BLOCKED]) {
    const world = makeWorld(t);
    const client = world.open({ environment });
    await signIn(client);
    world.pass(HOUR, { asleep: true });
    const before = world.count(REFRESH);
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.fetch("/me")));
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(20).fill(200),
    );
    assert.equal(world.count(REFRESH), before + 1);
    assert.equal(world.count("GET /me"), 40);
  }
});

test("a request that is refused after the others were refreshed does not refresh again", async (t) => {
  const { world, client, before } = await openExpired(t);
  world.monotonic -= HOUR;
  let release;
  world.fail("/slow", new Promise((settle) => (release = settle)));
  const slow = client.fetch("/slow");
  await client.fetch("/me");
  release();
  assert.equal((await slow).status, 200);
  assert.equal(world.count(REFRESH), before + 1);
});

test("a refresh whose answer is lost is repeated, and gets the same token", async (t) => {
  const { world, client, user, before } = await openExpired(t);
  world.fail(PATH, "lose", "lose");
  await client.refreshTokens();
  assert.equal(world.count(REFRESH), before + 3);
  assert.equal((await client.fetch("/me")).status, 200);
  assert.equal((await world.hj.sessions.get(user.session_id)).status, "active");
});

test("a refresh that hangs is given up and repeated while the server takes it for a repetition", async (t) => {
  const { world, client } = await openExpired(t);
  world.fail(PATH, "hang", "hang");
  const refreshed = client.refreshTokens();
  await world.settle();
  world.monotonic += 8_000;
  world.ring(8_000);
  await world.settle();
  world.monotonic += 8_000;
  world.ring(8_000);
  await assert.rejects(refreshed, hasCode("network_error"));
  assert.equal(client.state.status, "signed_in");
  await client.refreshTokens();
});

test("a server that fails for a moment is asked again", async (t) => {
  const { world, client } = await openExpired(t);
  world.fail(
    PATH,
    new Response("<h1>Bad gateway</h1>", { status: 502 }),
    Response.json(
      { error: { code: "storage_busy", message: "busy", status: 503, request_id: "req_1" } },
      { status: 503 },
    ),
  );
  await client.refreshTokens();
  assert.equal(client.state.error, null);
});

test("an answer that is not the API's has a code of its own, and ends no session", async (t) => {
  const { world, client } = await openExpired(t);
  for (const answer of [
    new Response("<h1>Not found</h1>", { status: 404 }),
    new Response("<h1>Welcome to the hotel's network</h1>"),
    Response.json({ access_token: "no token", expires_in: 3600 }),
    Response.json(null),
    Response.json({ error: "a string" }, { status: 400 }),
  ]) {
    world.fail(PATH, answer);
    await assert.rejects(client.refreshTokens(), (error) => {
      assert.ok(error instanceof HelloJohnError, error.stack);
      return error.code === "unexpected_answer";
    });
    assert.equal(client.state.status, "signed_in");
  }
  await client.refreshTokens();
});

test("offline the session goes on, and the page takes it up again by itself when it is back", async (t) => {
  const { world, client } = await openExpired(t);
  world.fail(PATH, "refuse", "refuse", "refuse");
  await assert.rejects(client.fetch("/me"), hasCode("network_error"));
  assert.deepEqual([client.state.status, client.state.error.code], ["signed_in", "network_error"]);
  client.page.dispatchEvent(new Event("online"));
  await world.settle();
  assert.deepEqual([client.state.status, client.state.error], ["signed_in", null]);
});

test("a page that is loaded offline waits, and is signed in when it is back", async (t) => {
  const world = makeWorld(t);
  await signIn(world.open());
  world.fail(PATH, "refuse", "refuse", "refuse");
  const client = world.open();
  client.onChange(() => {});
  await world.settle();
  assert.deepEqual([client.state.status, client.state.error.code], ["loading", "network_error"]);
  client.page.dispatchEvent(new Event("online"));
  await world.settle();
  assert.equal(client.state.status, "signed_in");
});

test("a server that fails while the page is loaded is waited for; one without the API is not", async (t) => {
  const world = makeWorld(t);
  for (const [answers, status] of [
    [[503, 503, 503], "loading"],
    [[429], "loading"],
    [[404], "signed_out"],
  ]) {
    const client = world.open();
    world.fail(PATH, ...answers.map((status) => new Response("<h1>Sorry</h1>", { status })));
    client.onChange(() => {});
    await world.settle();
    assert.deepEqual([client.state.status, client.state.error.code], [status, "unexpected_answer"]);
  }
});

test("a sign-out without an answer leaves the user signed in and says so", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await signIn(client);
  world.fail("/v1/auth/sign-out", "refuse");
  await assert.rejects(client.signOut(), hasCode("network_error"));
  assert.equal(client.state.status, "signed_in");
  await client.signOut();
  assert.equal(client.state.status, "signed_out");
});

test("a session that was ended elsewhere is told with its reason, once", async (t) => {
  const { world, client, user, before } = await openExpired(t);
  await world.hj.sessions.revoke(user.session_id);
  const seen = [];
  client.onChange(({ status, error }) => seen.push([status, error?.code]));
  const calls = Array.from({ length: 5 }, () => client.fetch("/me"));
  for (const call of calls) await assert.rejects(call, hasCode("session_revoked"));
  assert.deepEqual(seen, [["signed_out", "session_revoked"]]);
  assert.equal(world.count(REFRESH), before + 1);
  assert.equal((await client.fetch("/me")).status, 401, "signed out, a request is sent as it is");
});

test("a session at its end is session_expired", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await client.signIn({
    email: "ada@app.test",
    password: "correct horse",
    session_options: { duration: "1d" },
  });
  world.pass(25 * HOUR);
  await assert.rejects(client.refreshTokens(), hasCode("session_expired"));
  assert.equal(client.state.error.code, "session_expired");
});

test("a revocation is noticed by requests that go by while the refresh is under way", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  const { session_id } = await signIn(client);
  await world.hj.sessions.revoke(session_id);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => client.sessions.list()));
  assert.deepEqual(
    outcomes.map(({ reason }) => reason?.code),
    Array(20).fill("session_revoked"),
  );
});

test("a page that comes back from the browser's memory asks again before it shows a user", async (t) => {
  const world = makeWorld(t);
  const [left, other] = [world.open(), world.open()];
  await signIn(left);
  left.page.dispatchEvent(new Event("pagehide"));
  await other.signOut();
  assert.equal(left.state.status, "signed_in", "it heard nothing");
  left.page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assert.deepEqual([left.state.status, left.user], ["loading", null]);
  await world.settle();
  assert.equal(left.state.status, "signed_out");
  await signIn(other);
  assert.equal(left.state.status, "signed_in", "it hears again");
  left.page.dispatchEvent(new Event("pageshow"));
  assert.equal(left.state.status, "signed_in", "shown for the first time");
});

test("without cookies the refresh token stays in memory and is told to its keeper", async (t) => {
  const world = makeWorld(t, { cookie: false });
  const kept = [];
  const client = world.open({ cookie: false, onRefreshToken: (token) => kept.push(token) });
  assert.equal(client.state.status, "signed_out");
  await signIn(client);
  assert.equal(world.cookies.size, 0);
  await client.refreshTokens();
  assert.equal(new Set(kept).size, 2);
  const later = world.open({ cookie: false, refreshToken: kept.at(-1) });
  assert.equal(later.state.status, "loading");
  await later.refreshTokens();
  assert.equal(later.user.id, "usr_ada");
  world.fail(PATH, "lose");
  world.pass(HOUR);
  assert.equal((await later.fetch(`${ORIGIN}/me`)).status, 200);
  await client.signOut();
  assert.equal(kept.at(-1), null);
  await assert.rejects(client.refreshTokens(), hasCode("missing_token"));
  assert.equal(client.state.error, null);
});

test("a closed client is told nothing more, and starts again with its next use", async (t) => {
  const world = makeWorld(t);
  const [first, second] = [world.open(), world.open()];
  await signIn(first);
  await second.refreshTokens();
  first.close();
  await second.signOut();
  assert.equal(first.state.status, "signed_in");
  await assert.rejects(first.refreshTokens(), hasCode("missing_token"));
  await signIn(second);
  assert.equal(first.state.status, "signed_in");
});
