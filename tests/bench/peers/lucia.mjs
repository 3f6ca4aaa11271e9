import assert from "node:assert/strict";
import { BetterSqlite3Adapter } from "@lucia-auth/adapter-sqlite";
import { Lucia } from "lucia";
import { SESSIONS_PER_USER, signIn } from "../ours.mjs";
import { database, quickly } from "./database.mjs";

export const about = {
  name: "lucia",
  packages: ["lucia", "@lucia-auth/adapter-sqlite", "better-sqlite3"],
  lacks:
    "keeps session ids, which are its credentials, readable in its table; no tokens, no rotation, no cap, no idle time-out; " +
    "blocks the event loop for each sync; reads by validateSession only, so that get and verify are the same call; its " +
    "makers have ended it",
};

/** lucia over a durable database, with a pool of live sessions. */
export async function luciaSessions(folder, poolSize) {
  const db = database(folder, "lucia");
  db.exec(`
    CREATE TABLE user (id TEXT NOT NULL PRIMARY KEY);
    CREATE TABLE session (
      id TEXT NOT NULL PRIMARY KEY,
      expires_at INTEGER NOT NULL,
      user_id TEXT NOT NULL REFERENCES user (id),
      user_agent TEXT,
      ip_address TEXT
    );
    CREATE INDEX sessions_of_user ON session (user_id);
  `);
  const lucia = new Lucia(new BetterSqlite3Adapter(db, { user: "user", session: "session" }), {
    getSessionAttributes: (row) => ({ userAgent: row.user_agent, ipAddress: row.ip_address }),
  });
  const addUser = db.prepare("INSERT INTO user VALUES (?)");
  const create = ({ userId, userAgent, ipAddress }) =>
    lucia.createSession(userId, { user_agent: userAgent, ip_address: ipAddress });
  const pool = await quickly(db, async () => {
    // The second half of the users has no session yet.
    for (let n = 0; n < 2 * poolSize; n += SESSIONS_PER_USER) addUser.run(signIn(n).userId);
    const made = [];
    for (let n = 0; n < poolSize; n++) made.push(await create(signIn(n)));
    return made;
  });

  const rows = db.prepare("SELECT count(*) AS rows FROM session");
  const validate = {
    call: ({ id }) => lucia.validateSession(id),
    done: (answer, { id }) => assert.equal(answer.session?.id, id),
  };
  return {
    pool,
    count: () => rows.get().rows,
    create: { call: create, id: (session) => session.id },
    get: validate,
    list: {
      pool: [...new Set(pool.map((session) => session.userId))],
      call: (userId) => lucia.getUserSessions(userId),
      done: (answer) => assert.equal(answer.length, SESSIONS_PER_USER),
    },
    verify: validate,
    revoke: {
      inputs: (signIns) =>
        quickly(db, async () => {
          const made = [];
          for (const given of signIns) made.push((await create(given)).id);
          return made;
        }),
      call: (id) => lucia.invalidateSession(id),
      gone: async (id) => assert.equal((await lucia.validateSession(id)).session, null),
    },
    close: () => db.close(),
  };
}
