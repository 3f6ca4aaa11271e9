// A server with one route behind one gate: gate_server.mjs FOLDER SERVER GATE. Its credentials have all been seen before it is measured.
import { open, pool, signIn } from "./ours.mjs";
import { SERVERS } from "./peers/web_servers.mjs";

/** How many users send requests in turn. */
const POOL = 256;

const [folder, server, name] = process.argv.slice(2);

async function ourTenant() {
  const hj = await open(folder, "gate", "full");
  const grants = await pool(
    hj,
    Array.from({ length: POOL }, (_, n) => signIn(n)),
  );
  const credentials = grants.map(({ accessToken }) => ({ authorization: `Bearer ${accessToken}` }));
  return { hj, grants, credentials };
}

const GATES = {
  async "the bare route"() {
    // The same requests as to our gate.
    const { hj, credentials } = await ourTenant();
    await hj.close();
    return { credentials };
  },
  async ours() {
    const { hj, grants, credentials } = await ourTenant();
    return {
      credentials,
      middleware: hj.requireAuth(),
      hook: hj.fastifyAuth(),
      revoke: () => hj.sessions.revoke(grants[0].session.id),
    };
  },
  async "fast-jwt"() {
    const { verifier } = await import("./peers/fast_jwt.mjs");
    const { hj, credentials } = await ourTenant();
    const { verify } = verifier(await hj.jwks(), POOL, credentials[0].authorization.slice(7));
    await hj.close();
    return {
      credentials,
      check({ headers }, _, settle) {
        let userId;
        try {
          userId = verify(headers.authorization.slice(7)).sub;
        } catch {
          // Not let in.
        }
        settle(userId);
      },
    };
  },
  async "better-auth"() {
    const { betterAuthSessions } = await import("./peers/better_auth.mjs");
    return (await betterAuthSessions(folder, POOL)).gate();
  },
  async "express-session"() {
    const { expressSessions } = await import("./peers/express_session.mjs");
    return (await expressSessions(folder, POOL)).gate();
  },
};

const gate = await GATES[name]();
const port = await SERVERS[server](gate);

process.on("message", async (word) => {
  if (word === "start") return process.send({ port, credentials: gate.credentials });
  if (word === "cpu") {
    const { user, system } = process.cpuUsage();
    return process.send(user + system);
  }
  if (word === "revoke") await gate.revoke();
  process.send(word, () => word === "end" && process.exit());
});
process.send("ready");
