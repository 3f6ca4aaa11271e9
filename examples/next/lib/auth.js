import { HelloJohn } from "@hellojohn/node";
import { createNextAuth } from "@hellojohn/node/next";
import { cookies, headers } from "next/headers";
import { NextResponse } from "next/server";

// The application's users; a real application reads its user table and checks a password hash.
const users = new Map([
  ["ada@example.com", { password: "correct horse", userId: "usr_ada", role: "admin" }],
  ["bob@example.com", { password: "battery staple", userId: "usr_bob", role: "member" }],
]);

export const hj = new HelloJohn({
  tenantId: "tnt_01HABCDEF654321",
  secretKey: process.env.HELLOJOHN_SECRET_KEY ?? "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
  // A page whose first byte takes longer than the window could end its session when it is opened twice.
  config: { accessTokenTtl: process.env.ACCESS_TOKEN_TTL ?? "15m", refreshReuseWindow: "60s" },
  // Browsers other than Chrome and Firefox keep `Secure` cookies of HTTPS only, so that development goes without.
  rest: { cookie: { access: true, secure: process.env.NODE_ENV === "production" } },
  authenticate: ({ email, password }) => {
    const user = users.get(email);
    return user?.password === password ? { userId: user.userId, role: user.role, factors: ["pwd"] } : null;
  },
});

export const { auth, handler, proxy, signIn, signOut } = createNextAuth(hj, {
  cookies,
  headers,
  NextResponse,
  prefix: "/api",
  // What the proxy in front of the application sets.
  clientAddress: (sent) => sent.get("x-real-ip"),
});
