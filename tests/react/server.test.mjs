// The components without a browser: what a server sends, and times and texts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@hellojohn/client";
import { describeEnd, ENGLISH, HelloJohnProvider, SessionManager, useHelloJohn } from "@hellojohn/react";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Device } from "../../npm/react/dist/device.js";
import { SessionStore } from "../../npm/react/dist/store.js";
import { createTimes, nameCountry } from "../../npm/react/dist/times.js";

const NOW = Date.UTC(2026, 0, 17, 10, 30);
const ago = (milliseconds) => new Date(NOW - milliseconds).toISOString();

function State() {
  const { status, user, sessions, error } = useHelloJohn();
  return JSON.stringify({ status, user, sessions, error });
}

const renderWith = (props, child) =>
  renderToString(createElement(HelloJohnProvider, props, child)).replaceAll("&quot;", '"');

test("a server knows no user, whatever the client knows", async () => {
  const loading = '{"status":"loading","user":null,"sessions":[],"error":null}';
  assert.equal(renderWith({ baseUrl: "/auth" }, createElement(State)), loading);
  const client = createClient({ baseUrl: "https://app.example.test", cookie: false });
  assert.equal(client.state.status, "signed_out");
  assert.equal(renderWith({ client }, createElement(State)), loading);
});

test("without a document, as in React Native, the session is followed all the same", () => {
  const store = new SessionStore(createClient({ baseUrl: "https://app.example.test", cookie: false }));
  const leave = store.subscribe(() => {});
  assert.equal(store.getSnapshot().status, "signed_out");
  assert.equal(store.getSnapshot(), store.getSnapshot());
  leave();
});

test("a server sends the outline of the devices, with its texts in the language of the page", () => {
  const html = renderWith({ baseUrl: "/auth" }, createElement(SessionManager));
  assert.match(html, /<section class="hj-devices" aria-label="Your devices">.*<h2[^>]*>Your devices<\/h2>/);
  assert.match(html, /role="status">.*Loading your devices/);
  const texts = { title: "Deine Geräte", loading: "Deine Geräte werden geladen" };
  const props = { texts, headingLevel: 1, className: "mine" };
  const german = renderWith({ baseUrl: "/auth" }, createElement(SessionManager, props));
  assert.match(german, /class="hj-devices mine".*<h1[^>]*>Deine Geräte<\/h1>.*Deine Geräte werden geladen/);
  assert.ok(!german.includes("style="), "a strict Content-Security-Policy refuses inline styles");
});

test("times are written as people say them", () => {
  const times = createTimes("en-GB", NOW);
  const minute = 60_000;
  const hour = 60 * minute;
  const day = 24 * hour;
  for (const [passed, words] of [
    [-5 * minute, "this minute"],
    [20_000, "this minute"],
    [20 * minute, "20 minutes ago"],
    [119 * minute, "1 hour ago"],
    [2 * hour, "2 hours ago"],
    [26 * hour, "yesterday"],
    [6 * day, "6 days ago"],
    [14 * day, "2 weeks ago"],
    [29 * day, "4 weeks ago"],
    [70 * day, "2 months ago"],
    [800 * day, "2 years ago"],
  ]) {
    assert.equal(times.since(ago(passed)), words);
  }
  assert.equal(times.day(ago(60 * day)), "18 November 2025");
  assert.equal(times.day(ago(0)), "17 January");
  assert.equal(createTimes("pt-BR", NOW).since(ago(2 * hour)), "há 2 horas");
});

test("countries have their names", () => {
  assert.deepEqual(
    ["BR", "DE", "ZZ", "??", null].map((code) => nameCountry("en", code)),
    ["Brazil", "Germany", "Unknown Region", "??", null],
  );
  assert.equal(nameCountry("ar", "BR"), "البرازيل");
});

test("numbers of devices are words of the singular and the plural", () => {
  assert.equal(ENGLISH.lead(1), "You are signed in on this device only.");
  assert.match(ENGLISH.lead(2), /^You are signed in on 2 devices\./);
  assert.equal(ENGLISH.signOutDevices(1), "Sign out 1 device");
  assert.equal(ENGLISH.doneOthers(4), "Signed out on 4 devices.");
  assert.match(ENGLISH.confirmOthersHint(1), /^Your other device has/);
  assert.match(ENGLISH.confirmOthersHint(4), /^Your 4 other devices have/);
  assert.equal(ENGLISH.within(15), "It may go on for up to 15 minutes.");
});

test("each end of a session is said to people in plain words", () => {
  assert.equal(describeEnd("session_expired"), "Your sign-in has ended. Sign in to go on.");
  assert.match(describeEnd("refresh_token_reused"), /to protect your account/);
  assert.equal(describeEnd("session_revoked"), "You were signed out. Sign in to go on.");
  assert.equal(describeEnd("constructor"), "You were signed out. Sign in to go on.");
});

test("a session in which another person acts says who and why, and does not ask for a new password", () => {
  const session = {
    id: "ses_1",
    actor: { user_id: "op_1", reason: "ticket 4711" },
    user_agent: null,
    device_type: "unknown",
    country: null,
    ip_address: null,
    created_at: ago(60_000),
    last_active_at: ago(60_000),
    access_expires_at: ago(-60_000),
    expires_at: ago(-3_600_000),
    current: false,
  };
  const render = (actor) => {
    const context = { texts: ENGLISH, times: createTimes("en-GB", NOW), level: 3, onSignOut() {} };
    return renderToString(createElement(Device, { ...context, session: { ...session, actor } }));
  };
  const acted = render(session.actor);
  assert.match(acted, /op_1 acts for you.*ticket 4711/);
  assert.ok(!acted.includes(ENGLISH.wasItYou));
  assert.ok(acted.includes(ENGLISH.signOut));
  const own = render(null);
  assert.ok(own.includes(ENGLISH.wasItYou) && !own.includes("acts for you"));
});
