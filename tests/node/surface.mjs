// The Node door: drives the public class by the line protocol of tests/README.md.
import { createInterface } from "node:readline";
import { HelloJohn, HelloJohnError, ManualClock } from "@hellojohn/node";

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
  // No tenant is known yet: the first operation on one opens the file.
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
    hj = new HelloJohn({ tenantId, secretKey, database, clock });
    // After `close` the whole engine is closed, also for tenants that nobody had asked for before.
    if (closed) await hj.close();
    tenants.set(key, hj);
  }
  return hj;
}

/** Operations of the engine go through any of its tenants. */
async function lowerClockMark() {
  const [hj] = tenants.values();
  if (!hj) throw new HelloJohnError(closed ? "engine_closed" : "internal", "no tenant was opened");
  await hj.lowerClockMark();
  return {};
}

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Arguments under this package's names, values untouched; `undefined` for none, as a caller would leave them out. */
function options(args, names = {}) {
  const entries = Object.entries(args).map(([name, value]) => [names[name] ?? camelCase(name), value]);
  return entries.length ? Object.fromEntries(entries) : undefined;
}

function session(hj) {
  const { revoked, expiresAt, refreshExpiresAt, ...rest } = hj;
  if (revoked !== (rest.status === "revoked")) throw new Error("revoked does not say what status says");
  const wire = { access_expires_at: expiresAt.getTime(), expires_at: refreshExpiresAt.getTime() };
  for (const [name, value] of Object.entries(rest)) {
    wire[snakeCase(name)] = value instanceof Date ? value.getTime() : value;
  }
  return wire;
}

function grant({ session: granted, accessToken, refreshToken, expiresIn, evicted }) {
  return {
    session: session(granted),
    access_token: accessToken,
    refresh_token: refreshToken ?? null,
    expires_in: expiresIn,
    evicted,
  };
}

function config(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [snakeCase(name), value]));
}

function refused({ code, message }) {
  return new HelloJohnError(code, message);
}

const operations = {
  create: async (hj, args) => grant(await hj.sessions.create(options(args) ?? {})),
  refresh: async (hj, { refresh_token, ...from }) =>
    grant(await hj.sessions.refresh(refresh_token, options(from))),
  update: async (hj, { session_id, ...patch }) =>
    grant(await hj.sessions.update(session_id, options(patch) ?? {})),
  get: async (hj, { session_id }) => session(await hj.sessions.get(session_id)),
  list: async (hj, args) => {
    const list = await hj.sessions.list(options(args) ?? {});
    return { data: list.sessions.map(session), next_cursor: list.nextCursor };
  },
  verify_session: async (hj, { session_id }) => {
    const verdict = await hj.sessions.verify(session_id);
    if (!verdict.valid) throw refused(verdict.error);
    // The method also takes a token of the session, the operation does not.
    if (verdict.session.id !== session_id) throw new HelloJohnError("session_not_found", "a token is no id");
    return session(verdict.session);
  },
  verify_access_token: async (hj, { token }) => {
    const verdict = await hj.verifyTokenRemote(token);
    if (!verdict.valid) throw refused(verdict.error);
    const found = await hj.sessions.verify(token);
    return { session: session(found.session), claims: verdict.payload };
  },
  verify_locally: async (hj, { token, ...args }) => {
    const told = options(args, { leeway_s: "clockSkewSeconds" });
    const claims = await settled(hj.verifyToken(token, told));
    const twin = await settled((async () => hj.verifyTokenSync(token, told))());
    if (JSON.stringify(claims) !== JSON.stringify(twin)) throw new Error("verifyTokenSync differs");
    if (claims.error) throw claims.error;
    return claims.value;
  },
  revoke: (hj, { session_id }) => hj.sessions.revoke(session_id),
  revoke_user: (hj, { user_id, ...rest }) => hj.sessions.revokeAll(user_id, options(rest)),
  revoke_tenant: (hj) => hj.sessions.revokeTenant(),
  sign_out: (hj, { token, ...rest }) => hj.auth.signOut(token, options(rest)),
  config: async (hj) => config(await hj.config.get()),
  update_config: async (hj, patch) => config(await hj.config.update(patch)),
  jwks: (hj) => hj.jwks(),
  keys: async (hj) => ({
    data: (await hj.keys.list()).map(({ kid, state, createdAt }) => ({
      kid,
      state,
      created_at: createdAt.getTime(),
    })),
  }),
  rotate_keys: (hj) => hj.keys.rotate(),
  retire_key: (hj, { kid }) => hj.keys.retire(kid),
  change_secret_key: async (hj, { new_secret_key }, { tenant_id, secret_key }) => {
    await hj.changeSecretKey(new_secret_key);
    // The handle goes on under its new key; under the old one nobody may be let in any more.
    tenants.delete(JSON.stringify([tenant_id, secret_key]));
    tenants.set(JSON.stringify([tenant_id, new_secret_key]), hj);
    return {};
  },
  stats: async (hj) => {
    const { sessions, createdLast24h, databaseBytes, oldestUnsweptAt } = await hj.stats();
    return {
      sessions,
      created_last_24h: createdLast24h,
      database_bytes: databaseBytes,
      oldest_unswept_at: oldestUnsweptAt?.getTime() ?? null,
    };
  },
  sweep: (hj) => hj.sweep(),
  purge: (hj, { before, older_than }) => {
    const moment = typeof before === "number" ? new Date(before) : before;
    return hj.purge({ olderThan: older_than === undefined ? moment : older_than });
  },
};

async function settled(promise) {
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
  const operation = operations[line.op];
  if (!operation) throw new Error(`no operation ${line.op}`);
  return operation(await tenant(line.tenant_id, line.secret_key), line.args ?? {}, line);
}

for await (const text of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  if (!text.trim()) continue;
  let reply;
  try {
    // Methods that answer nothing answer `{}` here.
    reply = { ok: (await answer(JSON.parse(text))) ?? {} };
  } catch (error) {
    if (!(error instanceof HelloJohnError)) throw error;
    const detail = error.detail.replace(/^clockSkewSeconds(?=: )/, "leeway").replace(/^\w+(?=: )/, snakeCase);
    reply = { error: { code: error.code, detail } };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await close();
