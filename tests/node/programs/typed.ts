// Compiled, never run: the types that a program in TypeScript may rely on.
import {
  type AccessTokenClaims,
  type Config,
  type CreateSessionOptions,
  type ErrorCode,
  HelloJohn,
  HelloJohnError,
  ManualClock,
  type Session,
  type SessionGrant,
} from "@hellojohn/node";

declare const env: { TENANT: string | undefined };

interface Claims {
  plan: { name: string; trial?: boolean };
  seats: readonly number[];
}

export async function typed(): Promise<void> {
  const clock = new ManualClock(0);
  const hj = new HelloJohn({
    tenantId: env.TENANT ?? "tnt_a",
    secretKey: "sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R",
    database: undefined,
    config: { session_duration: "14d", idleTimeout: null, maxSessionsPerUser: 5 },
    durability: "normal",
    clock,
    authenticate: async ({ email, password }) => {
      const claims: Claims = { plan: { name: "free" }, seats: [] };
      return password === email ? { userId: email, role: null, claims } : null;
    },
  });
  // @ts-expect-error the tenant is required
  new HelloJohn({ secretKey: "sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R" });

  const grant: SessionGrant = await hj.sessions.create({
    userId: "u",
    claims: { plan: ["pro", null] },
    duration: 60,
  });
  const declared: Claims = { plan: { name: "pro" }, seats: [1, 2] };
  await hj.sessions.create({ userId: "u", claims: declared });
  await hj.sessions.update(grant.session.id, { claims: declared });
  const options: CreateSessionOptions = { userId: "u", claims: declared };
  await hj.sessions.create(options);
  // @ts-expect-error JSON has no dates
  await hj.sessions.create({ userId: "u", claims: { since: new Date() } });
  // @ts-expect-error JSON has no functions
  await hj.sessions.update(grant.session.id, { claims: { plan: { price: () => 1 } } });
  // @ts-expect-error no such option
  await hj.sessions.create({ userId: "u", user: "v" });
  // @ts-expect-error a user is required
  await hj.sessions.create({});
  const refreshed = await hj.sessions.refresh(grant.refreshToken, { ipAddress: null });
  const dates: Date[] = [refreshed.session.expiresAt, refreshed.session.createdAt];
  const revokedAt: Date | null = refreshed.session.revokedAt;

  const { sessions } = await hj.sessions.list("u", { status: "active" });
  const list = await hj.sessions.list({ user_id: "u", limit: 5 });
  const countries: (string | null)[] = list.filter((s) => s.revoked).map((s) => s.country);
  const next: string | null = list.nextCursor;
  // @ts-expect-error no such status
  await hj.sessions.list("u", { status: "dead" });

  const { valid, session, error } = await hj.sessions.verify(grant.session.id);
  const verification = await hj.sessions.verify(grant.accessToken);
  const known: Session | null = verification.valid ? verification.session : verification.session;
  if (!verification.valid) console.log(verification.error.code, verification.error.message);
  const remote = await hj.verifyTokenRemote(grant.accessToken);
  const claims: AccessTokenClaims = remote.valid ? remote.payload : hj.verifyTokenSync(grant.accessToken);

  const updated = await hj.sessions.update(grant.session.id, { orgId: null, mfaVerified: true });
  // @ts-expect-error an update has no refresh token
  console.log(updated.refreshToken);
  const { revoked }: { revoked: number } = await hj.sessions.revokeAll("u", { except: grant.session.id });
  const signedIn = await hj.auth.signIn({
    email: "e",
    password: "p",
    code: 7,
    sessionOptions: { duration: "24h" },
  });
  const tokens: string[] = [signedIn.accessToken, signedIn.refresh_token, signedIn.session_id];
  await hj.auth.signOut(signedIn.access_token, { scope: "global" });
  const config: Config = await hj.config.update({ idle_timeout: "7d" });
  await hj.purge({ olderThan: new Date(0) });
  await hj.purge({ olderThan: "30d" });
  const kid: string = (await hj.keys.rotate()).kid;
  const x: string | undefined = (await hj.jwks()).keys[0]?.x;
  try {
    await hj[Symbol.asyncDispose]();
  } catch (caught) {
    if (caught instanceof HelloJohnError) {
      const code: ErrorCode = caught.code;
      console.log(code, caught.status, caught.detail);
    }
  }
  console.log(
    dates,
    revokedAt,
    sessions,
    countries,
    next,
    valid,
    session,
    error,
    known,
    claims,
    revoked,
    tokens,
  );
  console.log(config, kid, x, clock.now());
}

declare const console: { log(...values: unknown[]): void };
