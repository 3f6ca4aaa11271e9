import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import storeOf from "better-sqlite3-session-store";
import signature from "cookie-signature";
import session from "express-session";
import { signIn } from "../ours.mjs";
import { database, quickly } from "./database.mjs";

export const about = {
  name: "express-session",
  packages: ["express-session", "better-sqlite3-session-store", "better-sqlite3"],
  lacks:
    "knows no users: no list of a user's sessions; keeps session ids, which are its credentials, readable in its table; no " +
    "tokens, no rotation, no cap; blocks the event loop for each sync",
};

export const SECRET = "a secret of the benchmark, long enough for a signature";

/** express-session's store and middleware over a durable database, with a pool of live sessions. */
export async function expressSessions(folder, poolSize) {
  const db = database(folder, "express_session");
  const Store = storeOf(session);
  // The store starts a timer that it never stops.
  const { setInterval } = globalThis;
  globalThis.setInterval = (...given) => setInterval(...given).unref();
  const store = new Store({ client: db });
  globalThis.setInterval = setInterval;
  const middleware = session({ store, secret: SECRET, resave: false, saveUninitialized: false });

  const promised = (work) =>
    new Promise((resolve, reject) => work((error, answer) => (error ? reject(error) : resolve(answer))));
  const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: "/" };
  const create = async (given) => {
    const id = randomBytes(24).toString("base64url");
    await promised((done) => store.set(id, { cookie, ...given }, done));
    return id;
  };
  const pool = await quickly(db, async () => {
    const made = [];
    for (let n = 0; n < poolSize; n++) {
      const given = signIn(n);
      const id = await create(given);
      made.push({
        id,
        userId: given.userId,
        cookie: `connect.sid=s%3A${encodeURIComponent(signature.sign(id, SECRET))}`,
      });
    }
    return made;
  });

  const rows = db.prepare("SELECT count(*) AS rows FROM sessions");
  const isOf = (answer, { userId }) => assert.equal(answer?.userId, userId);
  const get = (id) => promised((done) => store.get(id, done));
  return {
    pool,
    count: () => rows.get().rows,
    create: { call: create, id: (id) => id },
    get: { call: ({ id }) => get(id), done: isOf },
    verify: {
      // A request up to the moment when the handler has its session; nothing is written back.
      call: async (entry) => {
        const request = {
          url: "/",
          method: "GET",
          headers: { cookie: entry.cookie },
          socket: {},
          connection: {},
        };
        await promised((done) => middleware(request, { writeHead() {}, end() {} }, done));
        return request.session;
      },
      done: isOf,
    },
    revoke: {
      inputs: (signIns) =>
        quickly(db, async () => {
          const made = [];
          for (const given of signIns) made.push(await create(given));
          return made;
        }),
      call: (id) => promised((done) => store.destroy(id, done)),
      gone: async (id) => assert.equal(await get(id), null),
    },
    /** A gate that looks the session up and writes nothing: without `touch` the middleware does not write at each request. */
    gate() {
      store.touch = undefined;
      const reading = session({ store, secret: SECRET, resave: false, saveUninitialized: false });
      return {
        credentials: pool.map((entry) => ({ cookie: entry.cookie })),
        check: (request, response, settle) => {
          reading(request, response, () => settle(request.session?.userId));
        },
      };
    },
    /** Adds so many copies of the first session under other ids; its cookie. */
    async copySessions(count) {
      const copy = db.prepare(
        "INSERT INTO sessions (sid, sess, expire) SELECT ?, sess, expire FROM sessions WHERE sid = ?",
      );
      db.transaction(() => {
        for (let n = 0; n < count; n++) copy.run(randomBytes(24).toString("base64url"), pool[0].id);
      })();
      return pool[0].cookie;
    },
    close: () => db.close(),
  };
}
