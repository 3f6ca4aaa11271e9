// Sessions of other systems, written by the systems' own packages: what their tables hold, and what their clients hold.
import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Auth } from "@auth/core";
import { KyselyAdapter } from "@auth/kysely-adapter";
import { BetterSqlite3Adapter } from "@lucia-auth/adapter-sqlite";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import Database from "better-sqlite3";
import betterSqlite3Store from "better-sqlite3-session-store";
import connectSqlite3 from "connect-sqlite3";
import session from "express-session";
import { Kysely, SqliteDialect } from "kysely";
import { Lucia } from "lucia";

const require = createRequire(import.meta.url);

/** The secret under which the systems sign their cookies. */
export const SECRET = "the secret of the old system, long enough for a signature";

/** The value of a cookie that a response sets, as a host reads it: percent-decoded. */
function cookieOf(response, name) {
  const line = response.headers.getSetCookie().find((cookie) => cookie.startsWith(`${name}=`));
  assert.ok(line, `no cookie ${name} among ${response.headers.getSetCookie()}`);
  return decodeURIComponent(line.slice(name.length + 1).split(";")[0]);
}

export async function writeBetterAuth(folder) {
  const source = join(folder, "better_auth.sqlite");
  const database = new Database(source);
  const options = {
    database,
    secret: SECRET,
    baseURL: "http://localhost:3000",
    emailAndPassword: { enabled: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
  };
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const signUp = async (name) => {
    const response = await auth.api.signUpEmail({
      body: { email: `${name}@example.com`, name, password: "correct horse battery" },
      headers: new Headers({ "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" }),
      asResponse: true,
    });
    const { user } = await response.json();
    return { userId: user.id, credential: cookieOf(response, "better-auth.session_token") };
  };
  const [ada, grace] = [await signUp("ada"), await signUp("grace")];
  await auth.api.signOut({
    headers: new Headers({ cookie: `better-auth.session_token=${encodeURIComponent(grace.credential)}` }),
  });
  const row = database.prepare("SELECT * FROM session WHERE userId = ?").get(ada.userId);
  database.close();
  return {
    from: "better-auth",
    source,
    isSigned: true,
    living: [{ ...ada, userAgent: "Mozilla/5.0 (X11; Linux x86_64)", expiresAt: new Date(row.expiresAt) }],
    dead: [grace.credential],
  };
}

export async function writeLucia(folder) {
  const source = join(folder, "lucia.sqlite");
  const database = new Database(source);
  database.exec(`
    CREATE TABLE user (id TEXT NOT NULL PRIMARY KEY);
    CREATE TABLE session (
      id TEXT NOT NULL PRIMARY KEY,
      expires_at INTEGER NOT NULL,
      user_id TEXT NOT NULL REFERENCES user (id)
    );
    INSERT INTO user VALUES ('ada'), ('grace');
  `);
  const lucia = new Lucia(new BetterSqlite3Adapter(database, { user: "user", session: "session" }));
  const ada = await lucia.createSession("ada", {});
  const grace = await lucia.createSession("grace", {});
  const credential = (of) => lucia.createSessionCookie(of.id).value;
  database.prepare("UPDATE session SET expires_at = 1 WHERE id = ?").run(grace.id);
  database.close();
  return {
    from: "lucia",
    source,
    living: [{ userId: "ada", credential: credential(ada), expiresAt: ada.expiresAt }],
    dead: [credential(grace)],
    report: { expired: 1 },
  };
}

/** Signs users in behind express-session with this store; the cookies. */
async function signInBehind(store, users) {
  const middleware = session({ store, secret: SECRET, resave: false, saveUninitialized: true });
  const server = createServer((request, response) =>
    middleware(request, response, () => {
      const user = new URL(request.url, "http://localhost").searchParams.get("user");
      if (user) request.session.passport = { user };
      request.session.cookie.maxAge = 3_600_000;
      response.end();
    }),
  );
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cookies = [];
  for (const user of users) {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/?user=${user}`);
    cookies.push(cookieOf(response, "connect.sid"));
  }
  server.close();
  return cookies;
}

export async function writeBetterSqlite3Store(folder) {
  const source = join(folder, "better_sqlite3_session_store.sqlite");
  const database = new Database(source);
  const Store = betterSqlite3Store(session);
  const store = new Store({ client: database });
  const [ada, visitor] = await signInBehind(store, ["ada", ""]);
  database.close();
  return {
    from: "express-session",
    source,
    isSigned: true,
    living: [{ userId: "ada", credential: ada }],
    dead: [visitor],
    report: { anonymous: 1 },
  };
}

export async function writeConnectSqlite3(folder) {
  const Store = connectSqlite3(session);
  const store = new Store({ dir: folder, db: "connect_sqlite3.sqlite" });
  const [ada, visitor] = await signInBehind(store, ["ada", ""]);
  await new Promise((resolve, reject) => store.db.close((error) => (error ? reject(error) : resolve())));
  return {
    from: "express-session",
    source: join(folder, "connect_sqlite3.sqlite"),
    isSigned: true,
    living: [{ userId: "ada", credential: ada }],
    dead: [visitor],
    report: { anonymous: 1 },
  };
}

export async function writeAuthJs(folder) {
  const source = join(folder, "authjs.sqlite");
  const database = new Database(source);
  // The tables of the adapter's documentation.
  database.exec(`
    CREATE TABLE "User" (id TEXT PRIMARY KEY, name TEXT, email TEXT UNIQUE NOT NULL, "emailVerified" TEXT, image TEXT);
    CREATE TABLE "Session" (id TEXT PRIMARY KEY, "userId" TEXT NOT NULL, "sessionToken" TEXT UNIQUE NOT NULL, expires TEXT NOT NULL);
    CREATE TABLE "VerificationToken" (identifier TEXT NOT NULL, token TEXT UNIQUE NOT NULL, expires TEXT NOT NULL);
    CREATE TRIGGER user_id AFTER INSERT ON "User" WHEN new.id IS NULL
    BEGIN UPDATE "User" SET id = lower(hex(randomblob(16))) WHERE rowid = new.rowid; END;
    CREATE TRIGGER session_id AFTER INSERT ON "Session" WHEN new.id IS NULL
    BEGIN UPDATE "Session" SET id = lower(hex(randomblob(16))) WHERE rowid = new.rowid; END;
  `);
  let link = null;
  const config = {
    adapter: KyselyAdapter(new Kysely({ dialect: new SqliteDialect({ database }) })),
    providers: [
      {
        id: "email",
        type: "email",
        name: "Email",
        from: "no-reply@example.com",
        maxAge: 3_600,
        options: {},
        sendVerificationRequest: ({ url }) => {
          link = url;
        },
      },
    ],
    session: { strategy: "database" },
    secret: SECRET,
    trustHost: true,
    basePath: "/auth",
    logger: { error: (error) => console.error(error), warn() {}, debug() {} },
  };
  const base = "http://localhost:3000/auth";
  const csrf = await Auth(new Request(`${base}/csrf`), config);
  const { csrfToken } = await csrf.json();
  const cookie = csrf.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
  await Auth(
    new Request(`${base}/signin/email`, {
      method: "POST",
      headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ csrfToken, email: "ada@example.com" }),
    }),
    config,
  );
  assert.ok(link, "Auth.js sent no link");
  const signedIn = await Auth(new Request(link, { headers: { cookie } }), config);
  const credential = cookieOf(signedIn, "authjs.session-token");
  const row = database.prepare('SELECT * FROM "Session"').get();
  database.close();
  return {
    from: "authjs",
    source,
    living: [{ userId: row.userId, credential, expiresAt: new Date(row.expires) }],
    dead: [],
  };
}

// GoTrue and SuperTokens are servers without an npm package that writes their tables. What follows is of their documents:
// https://github.com/supabase/auth/tree/master/migrations (00_init_auth_schema, 20220811173540_add_sessions_table and those that
// add columns) with internal/models/refresh_token.go, and
// https://github.com/supertokens/supertokens-postgresql-plugin, queries/SessionQueries.java, with session/Session.java of
// https://github.com/supertokens/supertokens-core, where a new session's refresh token is hashed twice.

const HOUR = 3_600_000;

/** A GoTrue session whose refresh token was rotated once, and one that was signed out. SQL for a server. */
export function goTrueRows() {
  const [session, signedOut, user] = [randomUUID(), randomUUID(), randomUUID()];
  const token = () => randomBytes(9).toString("base64url");
  const [first, second, revoked] = [token(), token(), token()];
  const createdAt = new Date(Date.now() - 5 * HOUR);
  const sql = `
    CREATE SCHEMA auth;
    CREATE TYPE auth.aal_level AS ENUM ('aal1', 'aal2', 'aal3');
    CREATE TABLE auth.sessions (
      id uuid PRIMARY KEY, user_id uuid NOT NULL, created_at timestamptz, updated_at timestamptz, factor_id uuid,
      aal auth.aal_level, not_after timestamptz, refreshed_at timestamp without time zone, user_agent text, ip inet, tag text
    );
    CREATE TABLE auth.refresh_tokens (
      instance_id uuid, id bigserial PRIMARY KEY, token varchar(255) UNIQUE, user_id varchar(255), revoked boolean,
      created_at timestamptz, updated_at timestamptz, parent varchar(255), session_id uuid REFERENCES auth.sessions (id)
    );
    INSERT INTO auth.sessions VALUES
      ('${session}', '${user}', '${createdAt.toISOString()}', now(), NULL, 'aal2', NULL,
       now() AT TIME ZONE 'UTC' - interval '1 hour', 'supabase-js', '203.0.113.42', NULL),
      ('${signedOut}', '${user}', now(), now(), NULL, 'aal1', NULL, NULL, NULL, NULL, NULL);
    INSERT INTO auth.refresh_tokens (token, user_id, revoked, parent, session_id) VALUES
      ('${first}', '${user}', true, NULL, '${session}'),
      ('${second}', '${user}', false, '${first}', '${session}'),
      ('${revoked}', '${user}', true, NULL, '${signedOut}');`;
  return {
    sql,
    from: "gotrue",
    living: [{ userId: user, credential: second, createdAt, mfaVerified: true, ipAddress: "203.0.113.42" }],
    dead: [first, revoked],
  };
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

const SESSION_INFO = `
  CREATE TABLE session_info (
    app_id VARCHAR(64), tenant_id VARCHAR(64), session_handle VARCHAR(255) NOT NULL, user_id VARCHAR(128) NOT NULL,
    refresh_token_hash_2 VARCHAR(128) NOT NULL, session_data TEXT, expires_at BIGINT NOT NULL, created_at_time BIGINT NOT NULL,
    jwt_user_payload TEXT, use_static_key BOOLEAN NOT NULL, PRIMARY KEY (session_handle)
  );`;

/** SuperTokens' sessions, as SQL that both kinds of databases take. */
export function superTokensRows() {
  // The client holds the token; the core hashes it twice.
  const token = () => `${randomBytes(90).toString("base64")}.${randomBytes(16).toString("hex")}.V2`;
  const [ada, expired] = [token(), token()];
  const [createdAt, expiresAt] = [new Date(Date.now() - 2 * HOUR), new Date(Date.now() + 100 * HOUR)];
  const row = (user, of, end) =>
    `('public', 'public', '${randomUUID()}', '${user}', '${sha256(sha256(of))}', '{}', ${end}, ${createdAt.getTime()}, '{}', false)`;
  return {
    sql: `${SESSION_INFO}
      INSERT INTO session_info VALUES ${row("ada", ada, expiresAt.getTime())}, ${row("grace", expired, 5)};`,
    from: "supertokens",
    living: [{ userId: "ada", credential: ada, createdAt, expiresAt }],
    dead: [expired],
    report: { expired: 1 },
  };
}

export function writeSuperTokens(folder) {
  const { sql, ...written } = superTokensRows();
  const source = join(folder, "supertokens.sqlite");
  const database = new Database(source);
  database.exec(sql);
  database.close();
  return { source, ...written };
}

/** The versions of the packages that have written the tables. */
export function versionOf(name) {
  return require(`${name}/package.json`).version;
}
