// A device signs in, refreshes, is listed and is signed out. Run: make node && node examples/node/quickstart.mjs
import assert from "node:assert/strict";
import { HelloJohn, HelloJohnError } from "@hellojohn/node";

const users = new Map([["ada@example.com", { password: "correct horse", userId: "usr_ada" }]]);

const hj = new HelloJohn({
  tenantId: "tnt_acme",
  secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
  database: ":memory:",
  config: { accessTokenTtl: "15m", idleTimeout: "7d", maxSessionsPerUser: 5 },
  // The engine keeps no passwords: your application checks them.
  authenticate: async ({ email, password }) => {
    const user = users.get(email);
    return user?.password === password ? { userId: user.userId, email, role: "member" } : null;
  },
});

// Sign in, with "remember me".
const signedIn = await hj.auth.signIn({
  email: "ada@example.com",
  password: "correct horse",
  sessionOptions: { duration: "30d" },
  userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
  ipAddress: "203.0.113.42",
});
console.log("signed in on", signedIn.deviceType, "until", signedIn.refreshExpiresAt.toISOString());

// On every request: is this user still signed in? The next call sees a revocation.
const { valid, payload } = await hj.verifyTokenRemote(signedIn.accessToken);
assert.ok(valid);
console.log("request of", payload.sub, "as", payload.role);

// Without the database: signature and claims only, accepted until the token's exp.
assert.equal(hj.verifyTokenSync(signedIn.accessToken).sub, "usr_ada");

// Before the access token expires: refresh. Two tabs that refresh at once get the same successor.
const [one, two] = await Promise.all([
  hj.sessions.refresh(signedIn.refreshToken),
  hj.sessions.refresh(signedIn.refreshToken),
]);
assert.equal(one.refreshToken, two.refreshToken);

// "Manage my devices", and "sign out this device".
for (const device of await hj.sessions.list({ userId: "usr_ada" })) {
  console.log("device", device.id, device.deviceType, device.ipAddress);
  await hj.sessions.revoke(device.id);
}
try {
  await hj.sessions.refresh(one.refreshToken);
} catch (error) {
  assert.ok(error instanceof HelloJohnError);
  console.log("refresh after revoking:", error.code, error.status);
}
await hj.close();
