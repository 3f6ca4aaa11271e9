// The tables of docs/COOKIES.md, row by row, over real sockets in every host.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ManualClock } from "@hellojohn/node";
import { makeTenant, START, TENANT } from "./fixture.mjs";
import { ADA, call, inEveryHost, makeTenantWithAda } from "./hosts.mjs";

const DOCUMENT = readFileSync(new URL("../../docs/COOKIES.md", import.meta.url), "utf8");
const NAME = "__Host-hj_refresh";
const FORMER = "hj_refresh_token";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The rows of the table below a heading, each with its cells. */
function rowsOf(heading) {
  const section = DOCUMENT.split(`\n## ${heading}`)[1].split("\n## ")[0];
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  const rows = lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
  assert.ok(rows.length >= 5, heading);
  return rows;
}

const wordsOf = (cell) => cell.split(/\s+/).filter((word) => word !== "–");

/** What the words of the tables mean: the tokens, and the sessions that a row may end. */
async function makeCredentials(hj, other, clock) {
  const [tokens, sessions] = [{ garbage: "rt_x", secret: TENANT.secretKey }, {}];
  const create = (tenant, name) => {
    clock.advance(SECOND);
    return tenant.sessions.create({ userId: `usr_${name}` });
  };
  const refresh = async (token) => {
    clock.advance(MINUTE);
    return (await hj.sessions.refresh(token)).refreshToken;
  };
  const add = (name, token, session) => {
    tokens[name] = token;
    if (session) sessions[name] = session.id;
  };
  const older = await create(hj, "older");
  add("older", older.refreshToken, older.session);
  const expired = await create(hj, "expired");
  add("expired", expired.accessToken, expired.session);
  clock.advance(2 * HOUR);
  const good = await create(hj, "good");
  add("stale", good.refreshToken);
  add("good", await refresh(good.refreshToken), good.session);
  const reused = await create(hj, "reused");
  await refresh(await refresh(reused.refreshToken));
  add("reused", reused.refreshToken, reused.session);
  const ended = await create(hj, "ended");
  await hj.sessions.revoke(ended.session.id);
  add("ended", ended.refreshToken);
  const valid = await create(hj, "valid");
  add("valid", valid.accessToken, valid.session);
  const bearer = await create(hj, "refresh");
  add("refresh", bearer.refreshToken, bearer.session);
  add("foreign", (await create(other, "foreign")).refreshToken);
  return { tokens, sessions };
}

/** The `Cookie` header of a cell. */
function cookieHeader(cell, tokens) {
  const pairs = wordsOf(cell).map((word) =>
    word.startsWith("former:") ? `${FORMER}=${tokens[word.slice(7)]}` : `${NAME}=${tokens[word]}`,
  );
  return pairs.length > 0 ? { cookie: pairs.join("; ") } : {};
}

/** What the answer does to the cookies, as a cell of the tables. */
function cookiesAfterwards(answer) {
  const done = answer.headers.getSetCookie().map((header) => {
    const [, set] = /^(.*); HttpOnly; Secure; SameSite=Lax$/.exec(header) ?? assert.fail(header);
    if (set === `${NAME}=; Path=/; Max-Age=0`) return "cleared";
    if (set === `${FORMER}=; Path=/v1/auth; Max-Age=0`) return "former cleared";
    return set.startsWith(`${NAME}=rt_`) ? "set" : set;
  });
  return done.length > 0 ? done.join(", ") : "kept";
}

/** Sends each row's request and checks its answer, what it does to the cookies, and which sessions it ends. */
async function checkRows(t, mount, heading, path, read) {
  const clock = new ManualClock(START);
  // Every row signs Ada in at the same address or not at all.
  const hj = makeTenantWithAda(t, { clock, signInLimit: null });
  const other = makeTenant(t, { clock, tenantId: "tnt_other" });
  const base = await mount(t, hj, { cookie: true });
  for (const row of rowsOf(heading)) {
    const { tokens, sessions } = await makeCredentials(hj, other, clock);
    const { cookies, body, bearer = "–", answer: expected, afterwards, ends } = read(row);
    const headers = { "sec-fetch-site": "same-origin", ...cookieHeader(cookies, tokens) };
    const [presented] = wordsOf(bearer);
    if (presented) headers.authorization = `Bearer ${presented === "garbage" ? "a.b.c" : tokens[presented]}`;
    const json =
      typeof body === "object" ? body : wordsOf(body).map((word) => ({ refresh_token: tokens[word] }))[0];
    const answer = await call(base, "POST", path, { headers, ...(json && { json }) });
    const found = `${answer.status} ${answer.body?.error?.code ?? ""}`.trim();
    assert.deepEqual([found, cookiesAfterwards(answer)], [expected, afterwards], row.join(" | "));
    assert.ok(!answer.text.includes("rt_"), row.join(" | "));
    const ended = [];
    for (const [name, id] of Object.entries(sessions)) {
      if ((await hj.sessions.get(id)).endReason !== null) ended.push(name);
    }
    assert.deepEqual(ended.sort(), ends.sort(), row.join(" | "));
  }
}

inEveryHost(test, "a refresh does what its table says", (t, mount) =>
  checkRows(t, mount, "Refresh:", "/v1/auth/token/refresh", ([body, cookies, answer, used, afterwards]) => ({
    body,
    cookies,
    answer,
    afterwards,
    ends: used.endsWith(" ends") ? [used.slice(0, -5)] : [],
  })),
);

inEveryHost(test, "a sign-out does what its table says", (t, mount) =>
  checkRows(
    t,
    mount,
    "Sign-out:",
    "/v1/auth/sign-out",
    ([body, bearer, cookies, answer, ends, afterwards]) => ({
      body,
      bearer,
      cookies,
      answer,
      afterwards,
      ends: wordsOf(ends),
    }),
  ),
);

inEveryHost(test, "a sign-in does what its table says", (t, mount) =>
  checkRows(t, mount, "Sign-in:", "/v1/auth/sign-in", ([cookies, answer, afterwards]) => ({
    body: ADA,
    cookies,
    answer,
    afterwards,
    ends: [],
  })),
);
