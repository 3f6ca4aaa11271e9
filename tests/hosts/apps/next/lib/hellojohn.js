import { HelloJohn } from "@hellojohn/node";

export const hj = new HelloJohn({
  tenantId: "tnt_01HABCDEF654321",
  secretKey: process.env.HELLOJOHN_SECRET_KEY ?? "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
  authenticate: async ({ email, password }) => (password === "correct horse" ? { userId: email } : null),
});
