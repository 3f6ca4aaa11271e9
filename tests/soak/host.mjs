// One of the processes of the soak: a mixed load on the shared database, every answer checked against what this process knows
// and, through the primary process, against what another process answers on its very next call.
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { backupDatabase, checkDatabase, HelloJohn, HelloJohnError } from "@hellojohn/node";
import { Known } from "./known.mjs";

const { database, receiver, secret, tenant, config, pauseMs, cap, activeAtMost } = JSON.parse(
  process.env.HJ_SOAK,
);
const hj = new HelloJohn({ ...tenant, database, config, maintenanceInterval: "5s" });
await hj.ready();
const webhook = hj.webhooks({ url: receiver, secret, name: "soak" });
const counts = {};
let isOver = false;

function violation(what) {
  process.send({ violation: `${process.pid}: ${what}` });
}

function expect(is, what) {
  if (!is) violation(what);
}

/** What another process says of a token or session id now; null if that process has just ended. */
const questions = new Map();
let asked = 0;
function askAnother(token) {
  asked += 1;
  const number = asked;
  return new Promise((resolve) => {
    questions.set(number, resolve);
    process.send({ ask: { number, token } });
  });
}

async function verdict(token) {
  const { valid, session, error } = await hj.sessions.verify(token);
  return { valid, role: session?.role ?? null, code: error?.code ?? null };
}

/** The code of a refusal; null for a success. Any other kind of error is a violation. */
async function codeOf(call) {
  try {
    await call;
    return null;
  } catch (error) {
    if (!(error instanceof HelloJohnError)) violation(`${error?.stack ?? error}`);
    return error.code;
  }
}

/** Both this process and another one must answer so. */
async function checkEverywhere(token, isValid, what) {
  for (const answer of [await verdict(token), await askAnother(token)]) {
    if (answer !== null) expect(answer.valid === isValid, `${what}: ${JSON.stringify(answer)}`);
  }
}

const OPERATIONS = {
  async signIn(known) {
    const userId = known.pickUser();
    const duration = Math.random() < 0.2 ? known.shortDuration : undefined;
    const grant = await hj.sessions.create({
      userId,
      duration,
      userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      ipAddress: "203.0.113.7",
      claims: { plan: "pro" },
    });
    const { evicted, unsure } = known.signedIn(userId, grant);
    if (!unsure) {
      expect(
        evicted.length === grant.evicted.length,
        `evicted ${grant.evicted}, not ${evicted.map(({ id }) => id)}`,
      );
    }
    for (const session of evicted) await checkEverywhere(session.id, false, "an evicted session");
    await checkEverywhere(grant.accessToken, true, "a new session");
  },
  async refresh(known) {
    const session = known.pick({ withDeadToken: true });
    if (!session) return;
    const former = session.accessToken;
    const grant = await hj.sessions.refresh(session.refreshToken);
    expect(grant.session.id === session.id, "a refresh answered with another session");
    expect(grant.refreshToken !== session.refreshToken, "a refresh token came twice");
    known.refreshed(session, grant);
    await checkEverywhere(session.accessToken, true, "a refreshed session");
    expect(former !== session.accessToken, "an access token came twice");
  },
  async verify(known) {
    const session = known.pick();
    if (!session) return;
    const claims = await hj.verifyToken(session.accessToken);
    expect(claims.sid === session.id || claims.session_id === session.id, "claims of another session");
    const remote = await hj.verifyTokenRemote(session.accessToken);
    expect(remote.valid, `a live token: ${JSON.stringify(remote.error)}`);
  },
  async revoke(known) {
    const session = known.pick();
    if (!session) return;
    await hj.sessions.revoke(session.id);
    known.ended(session);
    await checkEverywhere(session.accessToken, false, "the token of a revoked session");
    await checkEverywhere(session.id, false, "a revoked session");
    const code = await codeOf(hj.sessions.refresh(session.refreshToken));
    expect(code === "session_revoked", `a refresh of a revoked session: ${code}`);
  },
  async revokeAll(known) {
    const userId = known.pickUser();
    const { sure, sessions } = known.activeOf(userId);
    const { revoked } = await hj.sessions.revokeAll(userId);
    for (const session of sessions) known.ended(session);
    if (sure) expect(revoked === sessions.length, `${revoked} revoked, not ${sessions.length}`);
    for (const session of sessions)
      await checkEverywhere(session.accessToken, false, "one of a user's revoked sessions");
  },
  async list(known) {
    const userId = known.pickUser();
    const { sure, sessions } = known.activeOf(userId);
    const found = await hj.sessions.list({ userId, status: "active", limit: 100 });
    expect(found.length <= cap, `${found.length} active sessions of a user`);
    if (!sure) return;
    const [a, b] = [found, sessions].map((list) => list.map(({ id }) => id).sort());
    expect(a.join() === b.join(), `listed ${a}, not ${b}`);
  },
  async update(known) {
    const session = known.pick();
    if (!session) return;
    const role = `role_${Math.floor(Math.random() * 5)}`;
    known.updated(session, await hj.sessions.update(session.id, { role }));
    const answer = await askAnother(session.accessToken);
    if (answer) expect(answer.valid && answer.role === role, `role ${role}, not ${JSON.stringify(answer)}`);
  },
  async dead(known) {
    const session = known.pickEnded();
    if (session) await checkEverywhere(session.id, false, "a session that ended earlier");
  },
  async garbage() {
    const code = await codeOf(hj.sessions.refresh(`rt_${randomUUID()}`));
    expect(code === "refresh_token_invalid", `a refresh with garbage: ${code}`);
    await checkEverywhere(`ey.${randomUUID()}.x`, false, "garbage");
  },
  async maintain() {
    await hj.sweep();
    const { sessions } = await hj.stats();
    expect(sessions.active <= activeAtMost, `${sessions.active} active sessions`);
    await hj.events.list({ limit: 20 });
  },
  async backup() {
    const to = `${database}.${process.pid}.backup`;
    try {
      await backupDatabase(database, to);
      const report = await checkDatabase(to);
      expect(report.problems.length === 0, `a backup: ${JSON.stringify(report.problems)}`);
    } finally {
      rmSync(to, { force: true });
    }
  },
};
/** How often each is done, of 1,000. */
const SHARES = {
  ...{ signIn: 170, refresh: 200, verify: 300, revoke: 70, revokeAll: 15, list: 100, update: 60 },
  ...{ dead: 50, garbage: 20, maintain: 12, backup: 3 },
};

function pickOperation() {
  let left = Math.random() * 1_000;
  for (const [name, share] of Object.entries(SHARES)) {
    left -= share;
    if (left < 0) return name;
  }
  return "verify";
}

/** One of two callers, each with users of its own, so that calls overlap and each answer can be foretold. */
async function work() {
  const known = new Known(cap);
  while (!isOver) {
    const name = pickOperation();
    try {
      await OPERATIONS[name](known);
      counts[name] = (counts[name] ?? 0) + 1;
    } catch (error) {
      if (!isOver) violation(`${name}: ${error?.code ?? ""} ${error?.stack ?? error}`);
    }
    await pause(pauseMs * (0.5 + Math.random()));
  }
}

process.on("message", async (message) => {
  if (message.answer) {
    questions.get(message.answer.number)?.(message.answer.verdict);
    questions.delete(message.answer.number);
  } else if (message.question) {
    const { number, token } = message.question;
    const answer = await verdict(token).catch((error) => {
      if (!isOver) violation(`a verification for another process: ${error?.stack ?? error}`);
      return null;
    });
    process.send({ verdict: { number, verdict: answer } });
  } else if (message.measure) {
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    const { sessions, databaseBytes } = await hj.stats();
    process.send({
      measured: {
        heap: heapUsed + external,
        rows: sessions.active + sessions.expired + sessions.revoked,
        databaseBytes,
        counts,
      },
    });
  } else if (message.end) {
    isOver = true;
    await working;
    await webhook.stop();
    await hj.close();
    process.send({ counts }, () => process.exit(0));
  }
});
process.send({ ready: true });
const working = Promise.all([work(), work()]);
