// A browser in small, without a network and without time: pages of one origin with a cookie jar, locks and channels in
// common, and a real API of ours that answers them.
import { createClient } from "@hellojohn/client";
import { HelloJohn, ManualClock } from "@hellojohn/node";

export const ORIGIN = "https://app.example.test";
export const PASSWORD = "correct horse";
const ACCOUNTS = { "ada@app.test": "usr_ada", "eve@app.test": "usr_eve" };
const START = Date.UTC(2026, 0, 1);

/** Makes an API and a browser without cookies. */
export function makeWorld(t, { cookie = true, config } = {}) {
  const clock = new ManualClock(START);
  const hj = new HelloJohn({
    tenantId: "tnt_client",
    secretKey: "sk_test_client_7Hq2Zk9Wm4Xc1Vb8N",
    database: ":memory:",
    clock,
    config,
    authenticate: ({ email, password }) =>
      password === PASSWORD && ACCOUNTS[email] ? { userId: ACCOUNTS[email], email, role: "member" } : null,
  });
  t.after(() => hj.close());
  return new World(hj, clock, hj.createHandler({ cookie }));
}

class World {
  /** Requests that reached the server, as `METHOD /path`. */
  requests = [];
  /**
   * What happens to the next requests of a path: `lose` the answer, `refuse` the connection, `hang`, a `Response`, or a promise
   * until which the answer is held back.
   */
  faults = new Map();
  cookies = new Map();
  timers = new Set();
  /** Whether what pages tell each other arrives only after the lock has been passed on. */
  areMessagesLate = false;
  monotonic = 1_000;
  #held = new Map();
  #channels = new Set();
  #underway = 0;

  constructor(hj, clock, handler) {
    Object.assign(this, { hj, clock, handler });
  }

  /** Moves the server's clock, and the pages' with it unless they slept. */
  pass(milliseconds, { asleep = false } = {}) {
    this.clock.advance(milliseconds);
    if (!asleep) this.monotonic += milliseconds;
  }

  /** Lets everything that is due happen: answers of the server, and timers of up to a second. */
  async settle() {
    for (let idle = 0; idle < 20; idle = this.#underway > 0 ? 0 : idle + 1) {
      await new Promise((wake) => setImmediate(wake));
    }
  }

  count(request) {
    return this.requests.filter((one) => one === request).length;
  }

  fail(path, ...faults) {
    this.faults.set(path, faults);
  }

  /** Opens a page: a client with an environment of its own. `options.environment` replaces parts of it. */
  open({ environment, ...options } = {}) {
    const page = new EventTarget();
    const client = createClient({
      baseUrl: ORIGIN,
      ...options,
      environment: { ...this.environment(page), ...environment },
    });
    return Object.assign(client, { page });
  }

  environment(page) {
    return {
      fetch: (input, init) => this.#fetch(input, init),
      now: () => this.monotonic,
      deviceTime: () => 0,
      setTimer: (run, milliseconds) => this.#setTimer(run, milliseconds),
      locks: { request: (...args) => this.#requestLock(...args) },
      openChannel: (name) => this.#openChannel(name),
      page,
      pageUrl: `${ORIGIN}/`,
    };
  }

  /** Calls the timers that wait for so long. */
  ring(milliseconds) {
    for (const timer of [...this.timers].filter((timer) => timer.milliseconds === milliseconds)) {
      this.timers.delete(timer);
      timer.run();
    }
  }

  #setTimer(run, milliseconds) {
    const timer = { run, milliseconds };
    this.timers.add(timer);
    if (milliseconds <= 1_000) {
      setImmediate(() => {
        if (!this.timers.delete(timer)) return;
        this.monotonic += milliseconds;
        run();
      });
    }
    return () => this.timers.delete(timer);
  }

  async #fetch(input, init) {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    const fault = this.faults.get(pathname)?.shift();
    if (fault === "refuse") throw new TypeError("fetch failed");
    if (fault === "hang") {
      await new Promise((_, fail) => {
        request.signal.addEventListener("abort", () => fail(request.signal.reason));
      });
    }
    if (fault instanceof Response) return fault;
    this.requests.push(`${request.method} ${pathname}`);
    const headers = new Headers(request.headers);
    headers.set("origin", ORIGIN);
    const cookies = [...this.cookies].map(([name, value]) => `${name}=${value}`);
    if (request.credentials !== "omit" && cookies.length > 0) headers.set("cookie", cookies.join("; "));
    this.#underway += 1;
    const response = await this.#answer(new Request(request, { headers }), pathname);
    this.#underway -= 1;
    if (fault instanceof Promise) await fault;
    if (fault === "lose") throw new TypeError("network connection was lost");
    for (const line of response.headers.getSetCookie()) {
      const [, name, value, attributes] = /^([^=]+)=([^;]*)(.*)$/.exec(line);
      if (/max-age=0/i.test(attributes)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  async #answer(request, pathname) {
    if (pathname.startsWith("/v1/")) return this.handler(request);
    const auth = await this.hj.authorize(request);
    if (auth instanceof Response) return auth;
    return Response.json({ user: auth.userId, body: await request.text() });
  }

  async #requestLock(name, ...args) {
    const run = args.pop();
    const [{ ifAvailable = false, signal } = {}] = args;
    const queue = this.#held.get(name) ?? [];
    this.#held.set(name, queue);
    if (ifAvailable && queue.length > 0) return run(null);
    let release;
    const before = queue.at(-1);
    const turn = new Promise((done) => {
      release = done;
    });
    queue.push(turn);
    try {
      await Promise.race([
        before,
        new Promise((_, fail) => signal?.addEventListener("abort", () => fail(signal.reason))),
      ]);
      return await run({ name });
    } finally {
      queue.splice(queue.indexOf(turn), 1);
      release();
    }
  }

  #openChannel(name) {
    const world = this;
    const channels = this.#channels;
    const channel = {
      onmessage: null,
      close: () => channels.delete(channel),
      postMessage(message) {
        for (const other of channels) {
          if (other === channel || other.name !== name) continue;
          const data = structuredClone(message);
          const deliver = () => channels.has(other) && other.onmessage?.({ data });
          if (world.areMessagesLate) setImmediate(deliver);
          else queueMicrotask(deliver);
        }
      },
      name,
    };
    channels.add(channel);
    return channel;
  }
}

/** Signs Ada in. */
export const signIn = (client, email = "ada@app.test") => client.signIn({ email, password: PASSWORD });

/** A check for `assert.rejects`. */
export const hasCode = (code) => (error) => error.name === "HelloJohnError" && error.code === code;

/** A page of an origin without locks and channels. */
export const ALONE = { locks: null, openChannel: () => null };

/** A page whose storage the browser blocks: locks and channels are there and refuse. */
export const BLOCKED = {
  locks: { request: () => Promise.reject(new DOMException("blocked", "SecurityError")) },
  openChannel: () => {
    throw new DOMException("blocked", "SecurityError");
  },
};
