// The REST API inside a plain node:http server, with a page of its own for signed-in users:
//
//   make node && node examples/node/server.mjs sessions.db 127.0.0.1:8787
//   curl http://127.0.0.1:8787/v1/auth/sign-in -H "Content-Type: application/json" \
//     -d '{"email": "ada@example.com", "password": "correct horse"}'
//   curl http://127.0.0.1:8787/me -H "Authorization: Bearer ACCESS_TOKEN"
//
// The dashboard is at http://127.0.0.1:8787/dashboard/; it asks for the secret key below.
import { createServer } from "node:http";
import { HelloJohn } from "@hellojohn/node";

const [database = "sessions.db", address = "127.0.0.1:8787"] = process.argv.slice(2);

// The application's users; a real application reads its user table and checks a password hash.
const users = new Map([
  ["ada@example.com", { password: "correct horse", userId: "usr_ada" }],
  ["bob@example.com", { password: "battery staple", userId: "usr_bob" }],
]);

const hj = new HelloJohn({
  tenantId: "tnt_01HABCDEF654321",
  secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
  database,
  authenticate: ({ email, password }) => {
    const user = users.get(email);
    return user?.password === password ? { userId: user.userId } : null;
  },
});
await hj.ready();

const onError = (error, { requestId }) => console.error(requestId, error);
const api = hj.middleware({ onError, dashboard: true });
const requireAuth = hj.requireAuth({ onError });

const server = createServer((request, response) => {
  if (request.url !== "/me") return api(request, response);
  requireAuth(request, response, () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.auth));
  });
});

const { hostname, port } = new URL(`http://${address}`);
server.listen(Number(port || 80), hostname, () =>
  console.log(`listening on http://${hostname}:${server.address().port}`),
);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close(() => hj.close());
    server.closeIdleConnections();
  });
}
