// Sessions as a good engineer writes them without a library: one row a session, found by its key; prepared statements;
// refresh tokens kept as hashes, compared in constant time and rotated; access tokens signed by jose.
import assert from "node:assert/strict";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { jwtVerify } from "jose";
import { database, quickly } from "./database.mjs";
import { makeSigner, readRefreshToken, refreshToken, SESSION_MS, sha256 } from "./tokens_by_hand.mjs";

export const about = {
  name: "better-sqlite3 and jose by hand",
  packages: ["better-sqlite3", "jose"],
  lacks:
    "blocks the event loop for each sync; no cap, no idle time-out, no key rotation, no answer to a repeated refresh",
};

export async function byHand(folder) {
  const db = database(folder, "by_hand");
  db.exec(`
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      user_id TEXT NOT NULL,
      token_hash BLOB NOT NULL,
      generation INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      last_active_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      revoked_at INTEGER,
      user_agent TEXT,
      ip_address TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_of_user ON sessions (user_id);
  `);
  const insert = db.prepare("INSERT INTO sessions VALUES (?, ?, ?, 1, ?, ?, ?, NULL, ?, ?)");
  const find = db.prepare("SELECT user_id, token_hash, expires_at, revoked_at FROM sessions WHERE id = ?");
  const rotate = db.prepare(
    "UPDATE sessions SET token_hash = ?, generation = generation + 1, last_active_at = ? WHERE id = ?",
  );
  const totals = db.prepare("SELECT count(*) AS rows, total(generation) AS generations FROM sessions");

  const { publicKey, sign } = await makeSigner();

  /** The row's part of a refresh, inside a transaction. */
  function rotateRow(token) {
    const { id, hash } = readRefreshToken(token);
    const row = find.get(id);
    const now = Date.now();
    if (!row || row.revoked_at !== null || row.expires_at <= now) throw new Error("no such session");
    if (!timingSafeEqual(row.token_hash, hash)) throw new Error("not the live token");
    const secret = randomBytes(32);
    rotate.run(sha256(secret), now, id);
    return { id, userId: row.user_id, refreshToken: refreshToken(id, secret) };
  }
  const rotateOne = db.transaction(rotateRow).immediate;
  const rotateMany = db.transaction((tokens) => tokens.map(rotateRow)).immediate;
  const signed = async (rotated) => ({ ...rotated, accessToken: await sign(rotated.id, rotated.userId) });

  async function create({ userId, userAgent, ipAddress }) {
    const id = `ses_${randomBytes(16).toString("base64url")}`;
    const secret = randomBytes(32);
    const now = Date.now();
    insert.run(id, userId, sha256(secret), now, now, now + SESSION_MS, userAgent, ipAddress);
    return { id, userId, refreshToken: refreshToken(id, secret), accessToken: await sign(id, userId) };
  }

  return {
    totals: () => totals.get(),
    create,
    /** Sign-ins that are not measured. */
    pool: (signIns) => quickly(db, () => Promise.all(signIns.map(create))),
    verify: async (token) => (await jwtVerify(token, publicKey)).payload,
    async refresh(token) {
      return signed(rotateOne(token));
    },
    /** Many refreshes in one transaction. */
    async refreshMany(tokens) {
      return Promise.all(rotateMany(tokens).map(signed));
    },
    assertReuseRefused(token) {
      assert.throws(() => rotateOne(token), /not the live token/);
    },
    close: () => db.close(),
  };
}
