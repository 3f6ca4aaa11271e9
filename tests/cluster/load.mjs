// Callers that sign in, refresh and revoke through both hosts, and remember what was acknowledged to them.
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { TENANTS } from "./tenants.mjs";

const CALLERS = 12;
/** Between two rounds of a caller: so much is acknowledged that all of it can be checked. */
const PAUSE_MS = 60;
const CHECKS_AT_ONCE = 16;

const agent = new Agent({ keepAlive: true });

/** A request to one of the hosts: its status and its body. */
function ask({ address, port }, method, path, { body, token, tenant } = {}) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(body && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
      "x-tenant-id": TENANTS[tenant].tenantId,
    };
    const sent = request({ agent, host: address, port: port + tenant, method, path, headers }, (answer) => {
      const read = (written) => ({ status: answer.statusCode, body: written && JSON.parse(written) });
      text(answer).then(read).then(resolve, reject);
    });
    sent.on("error", reject).end(body && JSON.stringify(body));
  });
}

const refresh = (host, { tenant, token }) =>
  ask(host, "POST", "/v1/auth/token/refresh", { tenant, body: { refresh_token: token } });

/** Whether a session is alive, as the tenant's secret key is told. */
async function isValid(host, { tenant, access }) {
  const { secretKey: token } = TENANTS[tenant];
  const answer = await ask(host, "POST", "/v1/sessions/verify", { tenant, token, body: { token: access } });
  if (answer.status !== 200) throw new Error(`a verification was answered with ${answer.status}`);
  return answer.body.valid;
}

export class Load {
  calls = 0;
  failures = [];
  /** Milliseconds: the longest call, and the longest time in which no call was acknowledged. */
  longestCall = 0;
  longestGap = 0;
  #live = [];
  #revoked = [];
  #acknowledged = 0;
  #last = performance.now();
  #isOver = false;
  #callers;

  constructor(hosts, name) {
    this.hosts = hosts;
    this.#callers = Array.from({ length: CALLERS }, (_, caller) => this.#work(`${name}_${caller}`));
  }

  /** Waits until so many more calls have been acknowledged. */
  async acknowledge(more) {
    const enough = this.#acknowledged + more;
    while (this.#acknowledged < enough) await pause(20);
  }

  async stop() {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }

  /** Makes a call; nothing if it was not acknowledged. */
  async #call(status, call) {
    const began = performance.now();
    this.calls += 1;
    let answer;
    try {
      answer = await call();
    } catch (error) {
      answer = { status: 0, body: error.message };
    }
    const now = performance.now();
    this.longestCall = Math.max(this.longestCall, now - began);
    if (answer.status !== status) {
      this.failures.push(`${answer.status}: ${JSON.stringify(answer.body)}`);
      return undefined;
    }
    this.longestGap = Math.max(this.longestGap, now - this.#last);
    this.#last = now;
    this.#acknowledged += 1;
    return answer;
  }

  async #work(name) {
    const mine = [];
    for (let round = 0; !this.#isOver; round++) {
      const host = () => this.hosts[Math.floor(Math.random() * this.hosts.length)];
      const tenant = round % TENANTS.length;
      const credentials = { email: `${name}_${round}`, password: "correct horse" };
      const grant = await this.#call(200, () =>
        ask(host(), "POST", "/v1/auth/sign-in", { tenant, body: credentials }),
      );
      if (grant) mine.push({ tenant, id: grant.body.session_id, ...tokensOf(grant) });
      // The new session, and an older one.
      for (const at of [mine.length - 1, Math.floor(Math.random() * mine.length)]) {
        const session = mine[at];
        if (!session) continue;
        const answer = await this.#call(200, () => refresh(host(), session));
        // Without an answer the session's token is the old one or the new one; the caller knows neither.
        if (answer) Object.assign(session, tokensOf(answer));
        else mine.splice(at, 1);
      }
      if (round % 3 === 2 && mine.length > 0) {
        const [session] = mine.splice(Math.floor(Math.random() * mine.length), 1);
        const revoke =
          round % 2
            ? () =>
                ask(host(), "POST", "/v1/auth/sign-out", {
                  ...session,
                  token: undefined,
                  body: { refresh_token: session.token },
                })
            : () =>
                ask(host(), "DELETE", `/v1/sessions/${session.id}`, {
                  tenant: session.tenant,
                  token: TENANTS[session.tenant].secretKey,
                });
        if (await this.#call(204, revoke)) this.#revoked.push(session);
      }
      await pause(PAUSE_MS);
    }
    this.#live.push(...mine);
  }

  /** Asks after everything that was acknowledged: how much of it is lost, and how much that was revoked lives. */
  async check() {
    const found = { live: this.#live.length, revoked: this.#revoked.length, lost: [], revived: [] };
    await each(this.#live, async (session, at) => {
      const host = this.hosts[at % this.hosts.length];
      const isAlive = await isValid(host, session);
      const answer = await refresh(host, session);
      if (!isAlive || answer.status !== 200) found.lost.push(`${session.id}: ${JSON.stringify(answer.body)}`);
    });
    await each(this.#revoked, async (session, at) => {
      const host = this.hosts[at % this.hosts.length];
      const isAlive = await isValid(host, session);
      const answer = await refresh(host, session);
      const isRefused = answer.status === 401 && answer.body.error.code === "session_revoked";
      if (isAlive || !isRefused) found.revived.push(`${session.id}: ${JSON.stringify(answer.body)}`);
    });
    return found;
  }
}

const tokensOf = ({ body }) => ({ token: body.refresh_token, access: body.access_token });

async function each(items, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next], next++);
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, worker));
}
