// One page: signing in and out, the user, requests with the access token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@hellojohn/client";
import { hasCode, makeWorld, ORIGIN, PASSWORD, signIn } from "./fixture.mjs";

const HOUR = 3_600_000;
const REFRESH = "POST /v1/auth/token/refresh";

test("a visitor without a cookie is signed out, without an error", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  assert.deepEqual(client.state, { status: "loading", user: null, error: null });
  const seen = [];
  client.onChange(({ status, error }) => seen.push([status, error]));
  await world.settle();
  assert.deepEqual(seen, [["signed_out", null]]);
  assert.equal(client.getAccessToken(), null);
  const response = await client.fetch("/me");
  assert.equal(response.status, 401);
});

test("a client does nothing before its first use", async (t) => {
  const world = makeWorld(t);
  world.open();
  await world.settle();
  assert.deepEqual(world.requests, []);
  const onServer = createClient({ baseUrl: "/api" });
  assert.equal(onServer.state.status, "loading");
});

test("signing in tells the user, who outlives a reload", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  const user = await signIn(client);
  const [session] = await world.hj.sessions.list("usr_ada");
  const { claims, ...rest } = user;
  assert.deepEqual(rest, {
    id: "usr_ada",
    session_id: session.id,
    tenant_id: "tnt_client",
    email: "ada@app.test",
    org_id: null,
    role: "member",
    mfa_verified: false,
  });
  assert.equal(claims.sub, "usr_ada");
  assert.equal(client.user, user);
  const reloaded = world.open();
  reloaded.onChange(() => {});
  await world.settle();
  assert.deepEqual([reloaded.state.status, reloaded.user], ["signed_in", user]);
});

test("texts of the token are read as UTF-8", async (t) => {
  const world = makeWorld(t, { cookie: false });
  const { refreshToken } = await world.hj.sessions.create({ userId: "usr_ä€🐎", claims: { name: "Ünï" } });
  const client = world.open({ cookie: false, refreshToken });
  await client.refreshTokens();
  assert.deepEqual([client.user.id, client.user.claims.name], ["usr_ä€🐎", "Ünï"]);
});

test("a refused sign-in has a typed error and changes nothing", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await signIn(client);
  await assert.rejects(client.signIn({ email: "ada@app.test", password: "wrong" }), (error) => {
    assert.deepEqual([error.code, error.status, error.retryAfter], ["invalid_credentials", 401, null]);
    return typeof error.requestId === "string";
  });
  assert.equal(client.state.status, "signed_in");
  await assert.rejects(client.signIn({ email: "", password: PASSWORD }), hasCode("validation_error"));
});

test("a limited sign-in says when to try again", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  let error;
  for (let attempt = 0; attempt < 1_000 && error?.code !== "too_many_requests"; attempt += 1) {
    error = await client.signIn({ email: "ada@app.test", password: "wrong" }).catch((caught) => caught);
  }
  assert.deepEqual([error.code, error.status], ["too_many_requests", 429]);
  assert.ok(error.retryAfter > 0, error.retryAfter);
});

test("signing out ends the session, forgets the token and calls for no more", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  const { session_id } = await signIn(client);
  await client.signOut();
  assert.deepEqual(client.state, { status: "signed_out", user: null, error: null });
  assert.equal(client.getAccessToken(), null);
  assert.equal(world.cookies.size, 0);
  assert.equal((await world.hj.sessions.get(session_id)).endReason, "sign_out");
  const requests = world.requests.length;
  assert.equal((await client.fetch("/me")).status, 401);
  assert.deepEqual(world.requests.slice(requests), ["GET /me"]);
});

test("signing out when there is nothing to sign out of is no failure", async (t) => {
  const client = makeWorld(t).open();
  await client.signOut();
  await client.signOut();
  assert.equal(client.state.status, "signed_out");
});

test("signing out everywhere ends the user's other sessions too", async (t) => {
  const world = makeWorld(t);
  const phone = await world.hj.sessions.create({ userId: "usr_ada" });
  const client = world.open();
  await signIn(client);
  await client.signOut({ scope: "global" });
  assert.equal((await world.hj.sessions.get(phone.session.id)).endReason, "revoke_all");
});

test("requests carry the access token, and are repeated once after a refresh if it is refused", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await signIn(client);
  world.pass(2 * HOUR, { asleep: true });
  const response = await client.fetch(`${ORIGIN}/orders`, { method: "POST", body: "1 horse" });
  assert.deepEqual(await response.json(), { user: "usr_ada", body: "1 horse" });
  assert.deepEqual(world.requests.slice(-3), ["POST /orders", REFRESH, "POST /orders"]);
});

test("a Request is repeated with its body and headers", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await signIn(client);
  world.pass(2 * HOUR, { asleep: true });
  const request = new Request(`${ORIGIN}/orders`, { method: "PUT", body: "2 horses" });
  assert.equal((await (await client.fetch(request)).json()).body, "2 horses");
});

test("a stream cannot be repeated: its 401 is handed out, and the next request works", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await signIn(client);
  world.pass(2 * HOUR, { asleep: true });
  const body = new Blob(["a long film"]).stream();
  const response = await client.fetch("/films", { method: "POST", body, duplex: "half" });
  assert.equal(response.status, 401);
  assert.equal((await client.fetch("/me")).status, 200);
  assert.equal(world.count(REFRESH), 2, "at the start, and once after the 401");
});

test("a second 401 is handed out as it is", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  await signIn(client);
  const refused = () => new Response("not for you", { status: 401 });
  world.fail("/vault", refused(), refused());
  const response = await client.fetch("/vault");
  assert.deepEqual([response.status, await response.text()], [401, "not for you"]);
  assert.equal(client.state.status, "signed_in");
});

test("a token is refreshed before it expires, by a clock that knows no date", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  const user = await signIn(client);
  world.pass(HOUR - 9_000);
  assert.equal((await client.fetch("/me")).status, 200);
  assert.deepEqual(world.requests.slice(-2), [REFRESH, "GET /me"]);
  const fresh = client.getAccessToken();
  world.pass(HOUR / 2);
  await client.fetch("/me");
  assert.equal(client.getAccessToken(), fresh);
  assert.equal(client.user, user, "a refresh that changes nothing about the user changes no object");
  assert.equal(world.timers.size, 0, "no timer is left behind");
});

test("an access token of a second is refreshed for each request in time", async (t) => {
  const world = makeWorld(t, { config: { accessTokenTtl: "1s" } });
  const client = world.open();
  await signIn(client);
  for (let request = 0; request < 5; request += 1) {
    world.pass(1_000);
    assert.equal((await client.fetch("/me")).status, 200);
  }
  assert.equal(world.requests.filter((one) => one === "GET /me").length, 5);
});

test("the server's time does not depend on the device's", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  assert.equal(client.serverTime(), 0, "the device's, as long as no answer came");
  await signIn(client);
  world.pass(90_000);
  assert.equal(client.serverTime(), world.clock.now());
});

test("the access token goes to trusted origins only", async (t) => {
  const world = makeWorld(t);
  const client = world.open({ trustedOrigins: ["https://api.example.test/v2"] });
  const sandboxed = world.open({ environment: { pageUrl: "data:text/html,page" } });
  await assert.rejects(sandboxed.fetch("data:text/plain,me"), hasCode("untrusted_origin"));
  await signIn(client);
  const before = world.requests.length;
  for (const address of [
    "https://evil.test/me",
    "http://app.example.test/me",
    "https://app.example.test.evil.test/",
    "https://app.example.test@evil.test/",
    "//evil.test/me",
    "data:text/plain,me",
    new URL("https://evil.test"),
    new Request("https://evil.test"),
  ]) {
    await assert.rejects(client.fetch(address), hasCode("untrusted_origin"), String(address));
  }
  assert.equal(world.requests.length, before);
  assert.equal((await client.fetch("https://api.example.test/me")).status, 200);
});

test("sessions are listed, and ended one by one or all but this one", async (t) => {
  const world = makeWorld(t);
  for (let device = 0; device < 3; device += 1) await world.hj.sessions.create({ userId: "usr_ada" });
  const client = world.open();
  const { session_id } = await signIn(client);
  const { data, pagination } = await client.sessions.list();
  assert.deepEqual([data.length, pagination.has_more], [4, false]);
  assert.deepEqual(
    data.filter(({ current }) => current).map(({ id }) => id),
    [session_id],
  );
  const other = data.find(({ current }) => !current);
  await client.sessions.revoke(other.id);
  assert.equal((await world.hj.sessions.get(other.id)).endReason, "revoked");
  assert.deepEqual(await client.sessions.revokeOthers(), { revoked: 2 });
  await assert.rejects(client.sessions.revoke("ses_none"), (error) => error.code !== undefined);
  await assert.rejects(
    client.sessions.list({ limit: 1, cursor: "x" }),
    (error) => error.code === "validation_error" && error.status === 422,
  );
  const first = await client.sessions.list({ status: "all", limit: 1 });
  const second = await client.sessions.list({
    status: "all",
    limit: 1,
    cursor: first.pagination.next_cursor,
  });
  assert.notEqual(second.data[0].id, first.data[0].id);
});

test("ending the own session is signing out", async (t) => {
  const world = makeWorld(t);
  const client = world.open();
  const { session_id } = await signIn(client);
  await client.sessions.revoke(session_id);
  assert.deepEqual([client.state.status, world.cookies.size], ["signed_out", 0]);
  assert.equal((await world.hj.sessions.get(session_id)).endReason, "sign_out");
});

test("listeners are told until they leave", async (t) => {
  const client = makeWorld(t).open();
  const [first, second] = [[], []];
  const leave = client.onChange((state) => first.push(state.status));
  client.onChange((state) => second.push(state.status));
  await signIn(client);
  leave();
  await client.signOut();
  assert.deepEqual(first, ["signed_out", "signed_in"]);
  assert.deepEqual(second, ["signed_out", "signed_in", "signed_out"]);
});

test("without an absolute address there is a typed error", async () => {
  for (const baseUrl of ["", undefined]) {
    assert.throws(() => createClient({ baseUrl }), hasCode("validation_error"));
  }
  const client = createClient({ baseUrl: "/api" });
  await assert.rejects(client.signIn({ email: "a", password: "b" }), hasCode("validation_error"));
});
