// Several pages of one origin, which have one session in common.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALONE, BLOCKED, hasCode, makeWorld, signIn } from "./fixture.mjs";

const HOUR = 3_600_000;
const PATH = "/v1/auth/token/refresh";
const REFRESH = `POST ${PATH}`;

/** So many pages, all signed in, whose access token has expired. */
async function openTabs(t, count, environment = {}) {
  const world = makeWorld(t);
  const tabs = Array.from({ length: count }, () => world.open({ environment }));
  const { session_id } = await signIn(tabs[0]);
  for (const tab of tabs) {
    tab.onChange(() => {});
    await world.settle();
    assert.equal(tab.state.status, "signed_in");
  }
  world.pass(HOUR);
  return { world, tabs, session_id, before: world.count(REFRESH) };
}

for (const count of [2, 5]) {
  test(`${count} tabs that refresh at once send one request and have one token`, async (t) => {
    const { world, tabs, before } = await openTabs(t, count);
    const answers = await Promise.all(tabs.map((tab) => tab.fetch("/me")));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(world.count(REFRESH), before + 1);
    assert.equal(new Set(tabs.map((tab) => tab.getAccessToken())).size, 1);
  });

  test(`${count} tabs without locks and channels refresh at once, and the session lives`, async (t) => {
    for (const environment of [ALONE, BLOCKED]) {
      const { world, tabs, session_id, before } = await openTabs(t, count, environment);
      const answers = await Promise.all(tabs.map((tab) => tab.fetch("/me")));
      assert.ok(answers.every(({ status }) => status === 200));
      assert.equal(world.count(REFRESH), before + count);
      world.pass(HOUR);
      for (const tab of tabs) assert.equal((await tab.fetch("/me")).status, 200);
      assert.equal((await world.hj.sessions.get(session_id)).status, "active");
    }
  });
}

test("a tab that gets the lock before the news waits for them", async (t) => {
  const { world, tabs, before } = await openTabs(t, 2);
  world.areMessagesLate = true;
  await Promise.all(tabs.map((tab) => tab.refreshTokens()));
  assert.equal(world.count(REFRESH), before + 1);
});

test("news of a refresh that come after the sign-out bring no one back", async (t) => {
  const { world, tabs } = await openTabs(t, 2);
  world.areMessagesLate = true;
  await tabs[0].refreshTokens();
  await tabs[1].signOut();
  await world.settle();
  assert.deepEqual(
    tabs.map((tab) => tab.state.status),
    ["signed_out", "signed_out"],
  );
});

test("tabs that are opened at once after a restart of the browser send one request", async (t) => {
  const { world } = await openTabs(t, 1);
  const before = world.count(REFRESH);
  const restored = Array.from({ length: 5 }, () => world.open());
  for (const tab of restored) tab.onChange(() => {});
  await world.settle();
  assert.ok(restored.every((tab) => tab.state.status === "signed_in"));
  assert.equal(world.count(REFRESH), before + 1);
});

test("a tab whose neighbour is frozen with the lock goes on after a while", async (t) => {
  const { world, tabs } = await openTabs(t, 2);
  world.fail(PATH, "hang");
  const frozen = tabs[0].refreshTokens();
  await world.settle();
  const going = tabs[1].refreshTokens();
  await world.settle();
  world.ring(10_000);
  await going;
  world.ring(8_000);
  await frozen;
});

test("a tab whose neighbour got no answer asks by itself", async (t) => {
  const { world, tabs } = await openTabs(t, 2);
  world.fail(PATH, "refuse", "refuse", "refuse");
  const [first, second] = await Promise.allSettled(tabs.map((tab) => tab.refreshTokens()));
  assert.equal(first.reason.code, "network_error");
  assert.equal(second.status, "fulfilled");
});

test("signing out in one tab is seen in all", async (t) => {
  const { world, tabs, before } = await openTabs(t, 5);
  await tabs[3].signOut();
  await world.settle();
  for (const tab of tabs) {
    assert.deepEqual(tab.state, { status: "signed_out", user: null, error: null });
    assert.equal(tab.getAccessToken(), null);
  }
  assert.equal(world.count(REFRESH), before);
});

test("a sign-out that comes while another tab refreshes wins", async (t) => {
  const { tabs, world, session_id } = await openTabs(t, 3);
  const refreshed = tabs[0].refreshTokens();
  const signedOut = tabs[1].signOut();
  await Promise.all([refreshed, signedOut]);
  await world.settle();
  assert.ok(tabs.every((tab) => tab.state.status === "signed_out"));
  assert.equal(world.cookies.size, 0);
  assert.equal((await world.hj.sessions.get(session_id)).endReason, "sign_out");
});

test("the end of the session is learnt by one tab for all, with its reason", async (t) => {
  const { world, tabs, session_id, before } = await openTabs(t, 5);
  await world.hj.sessions.revoke(session_id);
  const calls = tabs.map((tab) => tab.fetch("/me"));
  for (const call of calls) await assert.rejects(call, hasCode("session_revoked"));
  assert.ok(tabs.every((tab) => tab.state.error.code === "session_revoked"));
  assert.equal(world.count(REFRESH), before + 1);
});

test("signing in in one tab signs the others in, as another user too", async (t) => {
  const world = makeWorld(t);
  const [first, second] = [world.open(), world.open()];
  first.onChange(() => {});
  second.onChange(() => {});
  await world.settle();
  await signIn(first);
  await world.settle();
  assert.equal(second.user.id, "usr_ada");
  await signIn(first, "eve@app.test");
  await world.settle();
  assert.equal(second.user.id, "usr_eve");
});

test("a request of one user is not repeated in the name of another", async (t) => {
  const world = makeWorld(t);
  const [first, second] = [world.open(), world.open({ environment: ALONE })];
  await signIn(first);
  await second.refreshTokens();
  await signIn(first, "eve@app.test");
  world.pass(HOUR, { asleep: true });
  const answer = await second.fetch("/transfer", { method: "POST", body: "all of it" });
  assert.equal(answer.status, 401);
  assert.equal(second.user.id, "usr_eve");
  assert.equal(world.count("POST /transfer"), 1);
});

test("a tab in which cookies are refused does not sign the others out", async (t) => {
  const { world, tabs } = await openTabs(t, 1);
  world.cookies.clear();
  const fresh = world.open();
  fresh.onChange(() => {});
  await world.settle();
  assert.equal(fresh.state.status, "signed_out");
  assert.equal(tabs[0].state.status, "signed_in");
});

test("clients of different APIs on one origin have nothing in common", async (t) => {
  const world = makeWorld(t);
  const api = world.open();
  const other = world.open({ baseUrl: "https://app.example.test/other" });
  other.onChange(() => {});
  await world.settle();
  await signIn(api);
  await world.settle();
  assert.equal(other.state.status, "signed_out");
});
