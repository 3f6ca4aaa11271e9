// The Node surface: drives the public class by the line protocol of tests/README.md.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  backupDatabase,
  checkDatabase,
  copyDatabase,
  HelloJohn,
  HelloJohnError,
  lowerLease,
  ManualClock,
  restoreDatabase,
  verifyEventLog,
} from "@hellojohn/node";

let database = null;
let clock = null;
let closed = true;
/** The open tenants, by id and secret key. */
const tenants = new Map();

async function open({ open: path, clock: at }) {
  await close();
  database = path;
  clock = new ManualClock(at);
  closed = false;
  tenants.clear();
  // The first operation on a tenant opens the file.
  return {};
}

async function close() {
  closed = true;
  await Promise.all([...tenants.values()].map((hj) => hj.close()));
  return {};
}

async function tenant(tenantId, secretKey) {
  const key = JSON.stringify([tenantId, secretKey]);
  let hj = tenants.get(key);
  if (!hj) {
    hj = new HelloJohn({ tenantId, secretKey, database, clock, authenticate });
    // After `close` the whole engine is closed, also for tenants that had no operation before.
    if (closed) await hj.close();
    tenants.set(key, hj);
  }
  return hj;
}

/** The password says how the check ends. */
function authenticate({ password, user_id }) {
  if (password === "fails") throw new Error("the check failed");
  return password === "right" ? { userId: user_id } : null;
}

/** Operations of the engine go through any of its tenants. */
async function lowerClockMark() {
  const [hj] = tenants.values();
  if (!hj) throw new HelloJohnError(closed ? "engine_closed" : "internal", "no tenant was opened");
  await hj.lowerClockMark();
  return {};
}

async function check() {
  const { problemCount, counts, ...report } = await checkDatabase(database);
  const { signingKeys, ...others } = counts;
  return { ...report, problem_count: problemCount, counts: { ...others, signing_keys: signingKeys } };
}

async function copy() {
  const { signingKeys, changedRows, ...report } = await copyDatabase(database, `${database}.backup`);
  return { ...report, signing_keys: signingKeys, changed_rows: changedRows };
}

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Renames arguments to this package's names and leaves their values; `undefined` for none, like a call without them. */
function toOptions(args, names = {}) {
  const entries = Object.entries(args).map(([name, value]) => [names[name] ?? camelCase(name), value]);
  return entries.length ? Object.fromEntries(entries) : undefined;
}

const TIMES = ["created_after", "created_before", "last_active_after", "last_active_before"];

/** A filter under this package's names, with times as dates. */
function toFilter(args) {
  const entries = Object.entries(args).map(([name, value]) => [
    camelCase(name),
    TIMES.includes(name) && typeof value === "number" ? new Date(value) : value,
  ]);
  return Object.fromEntries(entries);
}

const toWireFactors = (factors) => factors.map(({ method, at }) => ({ method, at: at.getTime() }));

function toWireSession(session) {
  const { revoked, expiresAt, refreshExpiresAt, ...rest } = session;
  if (revoked !== (rest.status === "revoked")) throw new Error("revoked and status differ");
  const wire = { access_expires_at: expiresAt.getTime(), expires_at: refreshExpiresAt.getTime() };
  for (const [name, value] of Object.entries(rest)) {
    wire[snakeCase(name)] = value instanceof Date ? value.getTime() : value;
  }
  wire.factors = toWireFactors(rest.factors);
  wire.actor = rest.actor && toWire(rest.actor);
  return wire;
}

/** An answer of one level under the names of the scenarios, times in milliseconds. */
function toWire(answer) {
  const entries = Object.entries(answer);
  return Object.fromEntries(
    entries.map(([name, value]) => [snakeCase(name), value instanceof Date ? value.getTime() : value]),
  );
}

function toWireGrant({ session, accessToken, refreshToken, expiresIn, evicted }) {
  return {
    session: toWireSession(session),
    access_token: accessToken,
    refresh_token: refreshToken ?? null,
    expires_in: expiresIn,
    evicted,
  };
}

function toWireConfig(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [snakeCase(name), value]));
}

function pickIdentity({ role, orgId, mfaVerified, claims, authTime, factors, actor }) {
  return { role, orgId, mfaVerified, claims, authTime, factors, actor };
}

function toError({ code, message }) {
  return new HelloJohnError(code, message);
}

const readKeys = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {});

const operations = {
  export_events: async (hj) => {
    writeFileSync(`${database}.jwks`, JSON.stringify(await hj.jwks()));
    return hj.events.export(`${database}.events`);
  },
  create: async (hj, { actor, ...args }) => {
    const named = actor && typeof actor === "object" ? (toOptions(actor) ?? {}) : actor;
    return toWireGrant(
      await hj.sessions.create({ ...toOptions(args), ...(named !== undefined && { actor: named }) }),
    );
  },
  sign_in: async (hj, { account, check, ...args }) => {
    const credentials = {
      email: account,
      password: check,
      ipAddress: args.ip_address,
      user_id: args.user_id,
    };
    const {
      accessToken,
      refreshToken,
      expiresIn,
      access_token,
      refresh_token,
      expires_in,
      session_id,
      ...session
    } = await hj.auth.signIn(credentials);
    if (access_token !== accessToken || session_id !== session.id) throw new Error("the twin names differ");
    if (refresh_token !== refreshToken || expires_in !== expiresIn) throw new Error("the twin names differ");
    return toWireGrant({ session, accessToken, refreshToken, expiresIn, evicted: [] });
  },
  refresh: async (hj, { refresh_token, ...from }) =>
    toWireGrant(await hj.sessions.refresh(refresh_token, toOptions(from))),
  adopt: async (hj, { credential, ...from }) =>
    toWireGrant(await hj.sessions.adopt(credential, toOptions(from))),
  import: async (hj, { rows, ...rest }) => {
    const path = join(tmpdir(), `hellojohn-import-${process.pid}.jsonl`);
    await writeFile(
      path,
      rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"),
    );
    try {
      return toWire(await hj.sessions.import(path, toOptions(rest)));
    } finally {
      await rm(path);
    }
  },
  update: async (hj, { session_id, ...patch }) =>
    toWireGrant(await hj.sessions.update(session_id, toOptions(patch) ?? {})),
  get: async (hj, { session_id }) => toWireSession(await hj.sessions.get(session_id)),
  list: async (hj, args) => {
    const list = await hj.sessions.list(toFilter(args));
    return { data: list.sessions.map(toWireSession), next_cursor: list.nextCursor };
  },
  explain: async (hj, { session_id }) => {
    const { actor, ...rest } = await hj.sessions.explain(session_id);
    return { ...toWire(rest), actor: actor && toWire(actor) };
  },
  count: async (hj, args) => ({ count: await hj.sessions.count(toFilter(args)) }),
  revoke_where: async (hj, { filter, ...rest }) => {
    const answer = await hj.sessions.revokeWhere(toFilter(filter), toOptions(rest));
    return answer.sample ? { ...answer, sample: answer.sample.map(toWireSession) } : answer;
  },
  verify_session: async (hj, { session_id }) => {
    const verification = await hj.sessions.verify(session_id);
    if (!verification.valid) throw toError(verification.error);
    // The method also takes a token of the session; the operation does not.
    if (verification.session.id !== session_id)
      throw new HelloJohnError("session_not_found", "a token is no id");
    return toWireSession(verification.session);
  },
  verify_access_token: async (hj, { token }) => {
    const verification = await hj.verifyTokenRemote(token);
    if (!verification.valid) throw toError(verification.error);
    const found = await hj.sessions.verify(token);
    const { outdated } = verification;
    // Both speak of the session as it is now.
    assert.deepEqual(pickIdentity(verification), pickIdentity(found.session));
    return { session: toWireSession(found.session), claims: verification.payload, outdated };
  },
  verify_locally: async (hj, { token, ...args }) => {
    const expected = toOptions(args, { leeway_s: "clockSkewSeconds" });
    const claims = await settle(hj.verifyToken(token, expected));
    const twin = await settle((async () => hj.verifyTokenSync(token, expected))());
    if (JSON.stringify(claims) !== JSON.stringify(twin)) throw new Error("verifyTokenSync differs");
    if (claims.error) throw claims.error;
    return claims.value;
  },
  require_auth: async (hj, { token, ...args }) => {
    const headers = { authorization: `Bearer ${token}` };
    const auth = await hj.authorize(new Request("http://localhost/", { headers }), toOptions(args));
    if (auth instanceof Response) {
      const { error } = await auth.json();
      throw new HelloJohnError(error.code, error.message);
    }
    const { userId, actorUserId, authTime, factors } = auth;
    const at = authTime?.getTime() ?? null;
    return { user_id: userId, actor_user_id: actorUserId, auth_time: at, factors: toWireFactors(factors) };
  },
  revoke: (hj, { session_id }) => hj.sessions.revoke(session_id),
  revoke_user: (hj, { user_id, ...rest }) => hj.sessions.revokeAll(user_id, toOptions(rest)),
  revoke_tenant: (hj) => hj.sessions.revokeTenant(),
  sign_out: (hj, { token, ...rest }) => hj.auth.signOut(token, toOptions(rest)),
  config: async (hj) => toWireConfig(await hj.config.get()),
  update_config: async (hj, patch) => toWireConfig(await hj.config.update(patch)),
  jwks: (hj) => hj.jwks(),
  keys: async (hj) => ({
    data: (await hj.keys.list()).map(({ kid, state, createdAt, activatedAt, retiringAt, leavesAt }) => ({
      kid,
      state,
      created_at: createdAt.getTime(),
      activated_at: activatedAt?.getTime() ?? null,
      retiring_at: retiringAt?.getTime() ?? null,
      leaves_at: leavesAt?.getTime() ?? null,
    })),
  }),
  rotate_keys: (hj) => hj.keys.rotate(),
  retire_key: (hj, { kid }) => hj.keys.retire(kid),
  change_secret_key: async (acting, { new_secret_key }, { tenant_id, secret_key, hj }) => {
    await acting.changeSecretKey(new_secret_key);
    // The object keeps working under its new key; an object with the old key must be refused.
    tenants.delete(JSON.stringify([tenant_id, secret_key]));
    tenants.set(JSON.stringify([tenant_id, new_secret_key]), hj);
    return {};
  },
  rotate_refresh_key: async (hj) => {
    await hj.rotateRefreshKey();
    return {};
  },
  revocations: async (hj, { since }) => {
    const { hasMore, ...page } = await hj.revocations({ since });
    return { ...page, has_more: hasMore };
  },
  stats: async (hj) => {
    const { sessions, oldestUnsweptAt, ...numbers } = await hj.stats();
    const { createdLast24h, databaseBytes, logBytes, clockAheadMs, newestEvent, newestSealedEvent } = numbers;
    return {
      sessions,
      created_last_24h: createdLast24h,
      database_bytes: databaseBytes,
      log_bytes: logBytes,
      oldest_unswept_at: oldestUnsweptAt?.getTime() ?? null,
      clock_ahead_ms: clockAheadMs,
      newest_event: newestEvent,
      newest_sealed_event: newestSealedEvent,
    };
  },
  stats_series: async (hj, { series }) => {
    const counts = await hj.stats({ series });
    const toWirePeriod = (period) =>
      Object.fromEntries(
        Object.entries(period).map(([name, value]) => [
          snakeCase(name),
          value instanceof Date ? value.getTime() : value,
        ]),
      );
    return { sessions: counts.sessions, periods: counts.series.map(toWirePeriod) };
  },
  events: async (hj, args) => {
    const page = await hj.events.list(toOptions(args));
    return {
      data: page.events.map(({ at, sessionId, userId, ...event }) => ({
        ...event,
        at: at.getTime(),
        session_id: sessionId,
        user_id: userId,
      })),
      next_after: page.nextAfter,
      has_more: page.hasMore,
    };
  },
  seal_events: async (hj) => ({ sealed: (await hj.events.seal()).sealed }),
  check_events: async (hj, { after }) => {
    const path = join(tmpdir(), `hellojohn-events-${process.pid}.jsonl`);
    await rm(path, { force: true });
    await hj.events.export(path, { after });
    const report = await verifyEventLog(path, await hj.jwks());
    await rm(path);
    const { ok, events, firstSeq, vouchedThrough, problem } = report;
    return { ok, events, first_seq: firstSeq ?? 0, vouched_through: vouchedThrough, problem };
  },
  maintain: async (hj) => {
    const { stamped, purged, sealedEvents, deletedEvents, retiredKeys, hasMore } = await hj.maintain();
    return {
      stamped,
      purged,
      sealed_events: sealedEvents,
      deleted_events: deletedEvents,
      retired_keys: retiredKeys,
      has_more: hasMore,
    };
  },
  sweep: (hj) => hj.sweep(),
  purge: (hj, { before, older_than }) => {
    const time = typeof before === "number" ? new Date(before) : before;
    return hj.purge({ olderThan: older_than === undefined ? time : older_than });
  },
};

async function settle(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    return { error, code: error.code };
  }
}

async function answer(line) {
  if ("open" in line) return open(line);
  if (!("op" in line)) {
    clock.set(line.clock);
    return {};
  }
  if (line.op === "close") return close();
  if (line.op === "lower_clock_mark") return lowerClockMark();
  if (line.op === "check_database") return check();
  if (line.op === "copy_database") return copy();
  if (line.op === "lower_lease") return toWire(await lowerLease(database, line.args.longest_ms));
  if (line.op === "backup_database") return backupDatabase(database, `${database}.backup`);
  if (line.op === "restore_database") {
    const log = { events: `${database}.events`, jwks: readKeys(`${database}.jwks`) };
    const options = line.args.policy === "replay_events" ? { ...line.args, ...log } : line.args;
    return toWire((await restoreDatabase(`${database}.backup`, database, options)) ?? {});
  }
  const operation = operations[line.op];
  if (!operation) throw new Error(`no operation ${line.op}`);
  const hj = await tenant(line.tenant_id, line.secret_key);
  return operation("actor" in line ? hj.withActor(line.actor) : hj, line.args ?? {}, { ...line, hj });
}

for await (const text of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  if (!text.trim()) continue;
  let reply;
  try {
    // A method without a value is answered with `{}`.
    reply = { ok: (await answer(JSON.parse(text))) ?? {} };
  } catch (error) {
    if (!(error instanceof HelloJohnError)) throw error;
    const detail = error.detail.replace(/^clockSkewSeconds(?=: )/, "leeway").replace(/^\w+(?=: )/, snakeCase);
    reply = { error: { code: error.code, detail } };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await close();
