import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders } from "better-auth/node";
import { SESSIONS_PER_USER, signIn } from "../ours.mjs";
import { database, quickly } from "./database.mjs";

export const about = {
  name: "better-auth",
  packages: ["better-auth", "better-sqlite3"],
  lacks:
    "keeps session tokens readable in its table; no rotation and no detection of reuse; blocks the event loop for each sync; " +
    "with its cookie cache on, a revocation is not seen until the cache is 5 minutes old",
};

export const SECRET = "a secret of the benchmark, long enough for a signature";

/** better-auth over a durable database, with a pool of live sessions. */
export async function betterAuthSessions(folder, poolSize) {
  const db = database(folder, "better_auth");
  const options = {
    database: db,
    secret: SECRET,
    baseURL: "http://localhost:3000",
    logger: { disabled: true },
    telemetry: { enabled: false },
  };
  await (await getMigrations(options)).runMigrations();
  const context = await betterAuth(options).$context;
  const auth = betterAuth(options);
  const caching = betterAuth({ ...options, session: { cookieCache: { enabled: true, maxAge: 300 } } });
  db.exec("CREATE INDEX IF NOT EXISTS bench_sessions_of_user ON session (userId)");

  const { internalAdapter } = context;
  const create = ({ userId, userAgent, ipAddress }) =>
    internalAdapter.createSession(userIds.get(userId), false, { userAgent, ipAddress });
  const userIds = new Map();
  const sessions = await quickly(db, async () => {
    // The second half of the users has no session yet.
    for (let n = 0; n < 2 * poolSize; n += SESSIONS_PER_USER) {
      const { userId } = signIn(n);
      const user = await internalAdapter.createUser({ email: `${userId}@example.com`, name: userId });
      userIds.set(userId, user.id);
    }
    const made = [];
    for (let n = 0; n < poolSize; n++) made.push(await create(signIn(n)));
    return made;
  });

  const cookieName = context.authCookies.sessionToken.name;
  const cookie = (token) => {
    const signature = createHmac("sha256", SECRET).update(token).digest("base64");
    return `${cookieName}=${encodeURIComponent(`${token}.${signature}`)}`;
  };
  const headersOf = (session) => new Headers({ cookie: cookie(session.token) });
  const pool = sessions.map((session) => ({ session, headers: headersOf(session), cachedHeaders: null }));
  for (const entry of pool) {
    const { headers } = await caching.api.getSession({ headers: entry.headers, returnHeaders: true });
    const cookies = headers.getSetCookie().map((line) => line.split(";")[0]);
    assert.ok(
      cookies.some((line) => line.includes("session_data")),
      "better-auth set no cookie cache",
    );
    entry.cachedHeaders = new Headers({ cookie: [cookie(entry.session.token), ...cookies].join("; ") });
  }

  const rows = db.prepare("SELECT count(*) AS rows FROM session");
  const live = db.prepare("SELECT count(*) AS rows FROM session WHERE token = ?");
  const isOf = (answer, { session }) => assert.equal(answer?.session.id, session.id);
  return {
    pool,
    count: () => rows.get().rows,
    create: { call: create, id: (session) => session.id },
    get: { call: ({ session }) => internalAdapter.findSession(session.token), done: isOf },
    list: {
      pool: [...new Set(sessions.map((session) => session.userId))],
      call: (userId) => internalAdapter.listSessions(userId),
      done: (answer) => assert.equal(answer.length, SESSIONS_PER_USER),
    },
    verify: { call: ({ headers }) => auth.api.getSession({ headers }), done: isOf },
    "verify, cookie cache on": {
      call: ({ cachedHeaders }) => caching.api.getSession({ headers: cachedHeaders }),
      done: isOf,
    },
    revoke: {
      inputs: (signIns) =>
        quickly(db, async () => {
          const made = [];
          for (const given of signIns) made.push((await create(given)).token);
          return made;
        }),
      call: (token) => internalAdapter.deleteSession(token),
      gone: (token) => assert.equal(live.get(token).rows, 0),
    },
    /** A gate by its fastest way: with the cookie cache on. */
    gate: () => ({
      credentials: pool.map(({ cachedHeaders }) => ({ cookie: cachedHeaders.get("cookie") })),
      check: (request, _, settle) => {
        caching.api
          .getSession({ headers: fromNodeHeaders(request.headers) })
          .then((found) => settle(found?.user.name));
      },
    }),
    /** Adds so many copies of the first session under other ids and tokens; its cookie. */
    async copySessions(count) {
      const [first] = sessions;
      const columns = db.pragma("table_info(session)").map(({ name }) => name);
      const values = columns.map((name) =>
        name === "id" || name === "token" ? "hex(randomblob(16))" : `"${name}"`,
      );
      const copy = db.prepare(
        `INSERT INTO session ("${columns.join('", "')}") SELECT ${values} FROM session WHERE token = ?`,
      );
      db.transaction(() => {
        for (let n = 0; n < count; n++) copy.run(first.token);
      })();
      return cookie(first.token);
    },
    close: () => db.close(),
  };
}
