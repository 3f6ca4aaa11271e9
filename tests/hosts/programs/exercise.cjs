// The small but real program that every host runs: sessions and tokens, and the REST API in a server of `node:http`.
// CommonJS without any syntax that a host would have to compile. Throws when something is not as it should be.
const http = require("node:http");

const TENANT = { tenantId: "tnt_01HABCDEF654321", secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA" };

function check(what, found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }
}

/** Sends a request to the REST API by `node:http`, which every host has. */
function send(port, method, path, token, body) {
  return new Promise((settle, fail) => {
    const headers = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (body) headers["content-type"] = "application/json";
    const request = http.request(
      { host: "127.0.0.1", port, method, path, headers, agent: false },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk) => {
          text += chunk;
        });
        answer.on("end", () => settle({ status: answer.statusCode, body: JSON.parse(text) }));
        answer.on("error", fail);
      },
    );
    request.on("error", fail);
    request.end(body && JSON.stringify(body));
  });
}

async function useRest(hj) {
  const server = http.createServer(hj.middleware());
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  const { port } = server.address();
  const credentials = { email: "ada@example.com", password: "correct horse" };
  const signedIn = await send(port, "POST", "/v1/auth/sign-in", null, credentials);
  check("sign-in", [signedIn.status, signedIn.body.session.user_id], [200, "usr_ada"]);
  const listed = await send(port, "GET", "/v1/sessions", signedIn.body.access_token);
  check("REST list", [listed.status, listed.body.data.length], [200, 1]);
  const refused = await send(port, "GET", "/v1/sessions", "x.y.z");
  check("REST refusal", refused.status, 401);
  await new Promise((go) => server.close(go));
}

/** The Fetch API, where the host has it. */
async function useFetchHandler(hj) {
  if (typeof Request === "undefined" || typeof Response === "undefined") return;
  const answer = await hj.handler(
    new Request("https://app.example/v1/auth/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "ada@example.com", password: "correct horse" }),
    }),
  );
  check("handler", [answer.status, answer instanceof Response], [200, true]);
  const refusal = await hj.authorize(new Request("https://app.example/me"));
  check("authorize", [refusal instanceof Response, refusal.status], [true, 401]);
}

/** Runs everything against a database of its own; resolves to one line. */
async function exercise({ HelloJohn, HelloJohnError, ManualClock }, database) {
  const hj = new HelloJohn({
    ...TENANT,
    database,
    authenticate: ({ password }) => (password === "correct horse" ? { userId: "usr_ada" } : null),
  });
  const claims = { plan: { name: "pro", seats: [1, 2] } };
  const { session, accessToken, refreshToken } = await hj.sessions.create({
    userId: "usr_1",
    userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
    claims,
  });
  check("date", session.createdAt instanceof Date, true);
  check("verify", (await hj.sessions.verify(session.id)).valid, true);
  check("claims", (await hj.verifyTokenRemote(accessToken)).payload.plan, claims.plan);
  check("local", hj.verifyTokenSync(accessToken).sub, "usr_1");
  // More than one turn of the event loop's worth of calls that are answered at once.
  for (let n = 0; n < 4_000; n += 1) await hj.sessions.get(session.id);
  check(
    "list",
    (await hj.sessions.list("usr_1")).sessions.map(({ id }) => id),
    [session.id],
  );
  const next = await hj.sessions.refresh(refreshToken);
  check("refresh", next.session.id, session.id);
  await hj.sessions.revoke(session.id);
  check("revoked", (await hj.verifyTokenRemote(next.accessToken)).error.code, "session_revoked");
  const error = await hj.sessions.get("ses_unknown").catch((refused) => refused);
  check(
    "error",
    [error instanceof HelloJohnError, error instanceof Error, error.code],
    [true, true, "session_not_found"],
  );
  await useRest(hj);
  await useFetchHandler(hj);
  check("stats", (await hj.stats()).sessions.revoked, 1);
  await hj.close();

  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const timed = new HelloJohn({ ...TENANT, database: ":memory:", clock });
  const grant = await timed.sessions.create({ userId: "usr_1", duration: "1h" });
  clock.advance(3_600_000);
  check("clock", (await timed.sessions.verify(grant.session.id)).error.code, "session_expired");
  await timed.close();
  return "the program ran";
}

module.exports = { exercise };
