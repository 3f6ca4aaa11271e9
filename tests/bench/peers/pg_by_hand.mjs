// Sessions as a good engineer writes them over PostgreSQL without a library: one row a session, found by its key; a pool of
// connections with prepared statements; refresh tokens kept as hashes and rotated; access tokens signed by jose.
import assert from "node:assert/strict";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { jwtVerify } from "jose";
import pg from "pg";
import { makeSigner, readRefreshToken, refreshToken, SESSION_MS, sha256 } from "./tokens_by_hand.mjs";

export const about = {
  name: "node-postgres and jose by hand",
  packages: ["pg", "jose"],
  lacks:
    "no cap, no idle time-out, no key rotation, no answer to a repeated refresh, no answer where the server's was lost",
};

export async function pgByHand(url, connections) {
  const db = new pg.Pool({ connectionString: url, max: connections });
  await db.query(`
    CREATE TABLE IF NOT EXISTS by_hand (
      id text PRIMARY KEY,
      user_id text NOT NULL,
      token_hash bytea NOT NULL,
      generation bigint NOT NULL,
      created_at bigint NOT NULL,
      last_active_at bigint NOT NULL,
      expires_at bigint NOT NULL,
      revoked_at bigint,
      user_agent text,
      ip_address text
    ) WITH (fillfactor = 85);
    CREATE INDEX IF NOT EXISTS by_hand_of_user ON by_hand (user_id);
  `);
  /** A statement that each connection prepares once. */
  const statement = (name, text) => (client, values) => client.query({ name, text, values });
  const insert = statement("insert", "INSERT INTO by_hand VALUES ($1, $2, $3, 1, $4, $5, $6, NULL, $7, $8)");
  const find = statement(
    "find",
    "SELECT user_id, token_hash, expires_at, revoked_at FROM by_hand WHERE id = $1",
  );
  const lock = statement(
    "lock",
    "SELECT user_id, token_hash, expires_at, revoked_at FROM by_hand WHERE id = $1 FOR UPDATE",
  );
  const rotate = statement(
    "rotate",
    "UPDATE by_hand SET token_hash = $1, generation = generation + 1, last_active_at = $2 WHERE id = $3",
  );
  const exchange = statement(
    "exchange",
    "UPDATE by_hand SET token_hash = $1, generation = generation + 1, last_active_at = $2 " +
      "WHERE id = $3 AND token_hash = $4 AND revoked_at IS NULL AND expires_at > $2 RETURNING user_id",
  );

  const { publicKey, sign } = await makeSigner();
  const isOpen = (row, now) => row && row.revoked_at === null && Number(row.expires_at) > now;

  /** Runs the work in a transaction. */
  async function transact(work) {
    const client = await db.connect();
    try {
      await client.query("BEGIN");
      const answer = await work(client);
      await client.query("COMMIT");
      return answer;
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  }

  async function refresh(token) {
    const { id, hash } = readRefreshToken(token);
    const secret = randomBytes(32);
    const userId = await transact(async (client) => {
      const now = Date.now();
      const row = (await lock(client, [id])).rows[0];
      if (!isOpen(row, now)) throw new Error("no such session");
      if (!timingSafeEqual(row.token_hash, hash)) throw new Error("not the live token");
      await rotate(client, [sha256(secret), now, id]);
      return row.user_id;
    });
    return { refreshToken: refreshToken(id, secret), accessToken: await sign(id, userId) };
  }

  return {
    async totals() {
      const { rows } = await db.query(
        "SELECT count(*)::float8 AS rows, coalesce(sum(generation), 0)::float8 AS generations FROM by_hand",
      );
      return rows[0];
    },
    async create({ userId, userAgent, ipAddress }) {
      const id = `ses_${randomBytes(16).toString("base64url")}`;
      const secret = randomBytes(32);
      const now = Date.now();
      await insert(db, [id, userId, sha256(secret), now, now, now + SESSION_MS, userAgent, ipAddress]);
      return { id, refreshToken: refreshToken(id, secret), accessToken: await sign(id, userId) };
    },
    /** Reads the session, then writes it, in a transaction. */
    refresh,
    /** Compares and writes in one statement. */
    async refreshAtOnce(token) {
      const { id, hash } = readRefreshToken(token);
      const secret = randomBytes(32);
      const { rows } = await exchange(db, [sha256(secret), Date.now(), id, hash]);
      if (rows.length === 0) throw new Error("not the live token of a session");
      return { refreshToken: refreshToken(id, secret), accessToken: await sign(id, rows[0].user_id) };
    },
    async verify(token) {
      const { payload } = await jwtVerify(token, publicKey);
      const row = (await find(db, [payload.sid])).rows[0];
      if (!isOpen(row, Date.now())) throw new Error("no such session");
      return payload;
    },
    assertReuseRefused: (token) => assert.rejects(refresh(token), /not the live token/),
    close: () => db.end(),
  };
}
