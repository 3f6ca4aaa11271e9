// The table of pages in docs/COOKIES.md: its rows, what their words mean, and requests as a browser makes them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";

const DOCUMENT = readFileSync(new URL("../../docs/COOKIES.md", import.meta.url), "utf8");
const ACCESS = "__Host-hj_access";
const REFRESH = "__Host-hj_refresh";
export const HOUR = 3_600_000;
export const COOKIE = { access: true, allowedOrigins: ["https://admin.example.org"] };
export const OWN = { "sec-fetch-site": "same-origin", origin: "https://app.example.com" };

/** What a browser says of the page that made a request. */
const ORIGINS = {
  own: OWN,
  typed: { "sec-fetch-site": "none" },
  link: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
  sibling: { "sec-fetch-site": "same-site", origin: "https://evil.example.com" },
  cross: { "sec-fetch-site": "cross-site", origin: "https://evil.test" },
  allowed: { "sec-fetch-site": "cross-site", origin: "https://admin.example.org" },
  silent: {},
};

export const ROWS = DOCUMENT.split("\n## Pages:")[1]
  .split("\n## ")[0]
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );

const wordsOf = (cell) => cell.split(/\s+/).filter((word) => word !== "–");

/** Sends a request with headers that `fetch` would not; resolves to status, cookies and text. */
export function send(base, method, headers, path = "/account", body = null) {
  return new Promise((settle, reject) => {
    const sent = request(
      base + path,
      { method, headers: { host: "app.example.com", ...headers } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
        answer.on("end", () =>
          settle({
            status: answer.statusCode,
            headers: answer.headers,
            cookies: answer.headers["set-cookie"] ?? [],
            text,
          }),
        );
      },
    );
    sent.on("error", reject).end(body);
  });
}

export const cookiesOf = (access, refresh) =>
  [...access.map((token) => `${ACCESS}=${token}`), ...refresh.map((token) => `${REFRESH}=${token}`)].join(
    "; ",
  );

export const pairsOf = (cookies) => cookies.map((cookie) => cookie.split(";")[0]).join("; ");

/** What the words of the table mean. */
export async function makeTokens(hj, other, clock) {
  const create = (tenant, name) => {
    clock.advance(1_000);
    return tenant.sessions.create({ userId: `usr_${name}` });
  };
  const refresh = async (token) => (await hj.sessions.refresh(token)).refreshToken;
  const expired = await create(hj, "expired");
  const reused = await create(hj, "reused");
  const last = await refresh(reused.refreshToken);
  clock.advance(2 * HOUR);
  await refresh(last);
  const [valid, second] = [await create(hj, "valid"), await create(hj, "other")];
  const ended = await create(hj, "ended");
  await hj.sessions.revoke(ended.session.id);
  const foreign = await create(other, "foreign");
  const stale = await create(hj, "good");
  clock.advance(60_000);
  const good = await refresh(stale.refreshToken);
  return {
    access: {
      expired: expired.accessToken,
      valid: valid.accessToken,
      other: second.accessToken,
      ended: ended.accessToken,
      foreign: foreign.accessToken,
      garbage: "a.b.c",
    },
    refresh: {
      good,
      stale: stale.refreshToken,
      reused: reused.refreshToken,
      ended: ended.refreshToken,
      foreign: foreign.refreshToken,
      garbage: "rt_x",
    },
  };
}

/** The headers of a row's request, and its method. */
export function readRow([kind, bearer, access, refresh], tokens) {
  const [page, word] = kind.split(" ");
  const [presented] = wordsOf(bearer);
  const cookie = cookiesOf(
    wordsOf(access).map((name) => tokens.access[name]),
    wordsOf(refresh).map((name) => tokens.refresh[name]),
  );
  const headers = {
    ...ORIGINS[page],
    ...(cookie && { cookie }),
    ...(presented && { authorization: `Bearer ${tokens.access[presented]}` }),
    ...(word === "socket" && { connection: "Upgrade", upgrade: "websocket" }),
  };
  return { method: word === "socket" ? "GET" : word, headers };
}

export function cookiesAfterwards({ cookies, headers }) {
  if (cookies.length === 0) return "kept";
  assert.equal(headers["cache-control"], "no-store");
  const done = cookies.map((cookie) => {
    const [, set] = /^(.*); HttpOnly; Secure; SameSite=Lax$/.exec(cookie) ?? assert.fail(cookie);
    return set.replace(/=(rt_|ey).*; Max-Age=\d+$/, " set").replace("=; Path=/; Max-Age=0", " cleared");
  });
  if (done.join() === `${REFRESH} set,${ACCESS} set`) return "set";
  return done.join() === `${REFRESH} cleared,${ACCESS} cleared` ? "cleared" : done.join();
}

/** Who a page was for, in the words of the table. */
export function outcomeOf({ status, text }, method) {
  if (method === "HEAD") return String(status);
  const body = text === "" ? null : JSON.parse(text);
  if (status !== 200) return `${status} ${body.error.code}`;
  const auth = body && "auth" in body ? body.auth : body;
  return auth?.userId.slice(4) ?? "anonymous";
}
