// P16: a request through a gate that has seen its token before, in a server of its own.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { duel } from "../duel.mjs";
import { median } from "../machine.mjs";
import { open, pool, signIn, startProcess } from "../ours.mjs";

const BARE = "the bare route";
const GATES = [
  { name: BARE, bar: "P16 bare", against: "the bare route, which asks for nothing" },
  { name: "fast-jwt", bar: "P16 gate", against: "fast-jwt, its cache on" },
  { name: "better-auth", bar: "P16 gate", against: "better-auth `getSession`, its cookie cache on" },
  { name: "express-session", bar: "P16 gate", against: "express-session, which writes nothing" },
];

/** How many requests a round has. */
const AMOUNTS = { quick: 4_000, full: 16_000 };

/** A header of each kind that a browser sends with a `fetch`. */
const BROWSER_HEADERS = [
  ["Host", "app.example.com"],
  ["Connection", "keep-alive"],
  ["sec-ch-ua", '"Chromium";v="142", "Not_A Brand";v="99"'],
  ["sec-ch-ua-mobile", "?0"],
  ["sec-ch-ua-platform", '"Linux"'],
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"],
  ["Accept", "application/json"],
  ["Sec-Fetch-Site", "same-origin"],
  ["Sec-Fetch-Mode", "cors"],
  ["Sec-Fetch-Dest", "empty"],
  ["Referer", "https://app.example.com/orders"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
  ["Accept-Language", "en-GB,en;q=0.9"],
];

export async function* gate({ pace, mode, folder, peers }) {
  yield* added(pace, folder);
  const hosts = peers["Express and Fastify"];
  if (!hosts) return;
  const load = await startProcess("gate_load.mjs", []);
  for (const server of Object.keys(hosts.SERVERS)) {
    const start = (name) => startGate(folder, server, name);
    const ours = await start("ours");
    await assertStatus(ours, {}, 401);
    for (const { name, bar, against } of GATES) {
      if (name !== BARE && !peers[name]) continue;
      const theirs = await start(name);
      await assertStatus(theirs, {}, name === BARE ? 200 : 401);
      const rounds = await loadInTurns(pace, AMOUNTS[mode], load, ours, theirs);
      for (const [figure, what] of [
        ["mean", "one request"],
        ["p99", "99th percentile of a request"],
        ["cpu", "processor time of the server for a request"],
      ]) {
        yield {
          bar: figure === "cpu" ? "P16 cpu" : bar,
          work: `${server}: ${what} through our gate, token seen before, 32 connections`,
          against,
          rounds: rounds.map((round) => ({ ours: round[0][figure], theirs: round[1][figure] })),
        };
      }
      await theirs.tell("end");
    }
    await assertStatus(ours, ours.credentials[0], 200);
    await ours.tell("revoke");
    await assertStatus(ours, ours.credentials[0], 401);
    await ours.tell("end");
  }
  await load("end");

  async function startGate(parent, server, name) {
    const own = join(parent, `gate ${server} ${name}`);
    mkdirSync(own);
    const tell = await startProcess("gate_server.mjs", [own, server, name]);
    return { ...(await tell("start")), tell };
  }
}

/** Rounds of requests to both in turn: how long one takes, the slowest of a hundred, and the server's processor time. */
async function loadInTurns(pace, amount, load, ...sides) {
  const play = async ({ port, credentials, tell }) => {
    const before = await tell("cpu");
    const { mean, p99 } = await load({ port, credentials, amount });
    return { mean, p99, cpu: ((await tell("cpu")) - before) / amount };
  };
  // The code of both gets hot, and every credential is seen.
  for (let round = 0; round < 2; round++) for (const side of sides) await play(side);
  const rounds = [];
  for (let round = 0; round < pace.rounds; round++) {
    const figures = [];
    for (const turn of [round % 2, 1 - (round % 2)]) figures[turn] = await play(sides[turn]);
    rounds.push(figures);
  }
  return rounds;
}

async function assertStatus({ port }, headers, expected) {
  const { status } = await fetch(`http://127.0.0.1:${port}`, { headers });
  assert.equal(status, expected);
}

/** What the gate adds to a request, without a server: against a middleware, or a hook, that does nothing. */
async function* added(pace, folder) {
  const hj = await open(folder, "gate_added", "normal");
  const tokens = (
    await pool(
      hj,
      Array.from({ length: 1_000 }, (_, n) => signIn(n)),
    )
  ).map((grant) => grant.accessToken);
  const [middleware, hook] = [hj.requireAuth(), hj.fastifyAuth()];
  const ways = {
    "`requireAuth` of Express": [
      (request, next) => middleware(request, {}, next),
      (_, next) => next(),
      (request) => request,
    ],
    "`fastifyAuth` of Fastify": [
      (request, next) => hook(request, {}, next),
      (_, next) => next(),
      (raw) => ({ raw }),
    ],
  };
  for (const [name, [ours, nothing, wrap]] of Object.entries(ways)) {
    const answered = (call) => (request) => {
      let isDone = false;
      const promise = call(request, () => {
        isDone = true;
      });
      return isDone ? request : promise.then(() => request);
    };
    let next = 0;
    const inputs = (count) =>
      Array.from({ length: count }, () => {
        const sent = [...BROWSER_HEADERS, ["Authorization", `Bearer ${tokens[next++ % tokens.length]}`]];
        // Texts of their own, as the parser of HTTP makes them.
        const rawHeaders = sent.flat().map((text) => Buffer.from(text).latin1Slice());
        return wrap({ method: "GET", url: "/", rawHeaders, socket: {} });
      });
    // Seen before.
    for (const request of inputs(tokens.length)) {
      await new Promise((settle) => ours(request, settle)?.then(settle));
    }
    const side = (call, isGuarded) => ({
      inputs,
      call: answered(call),
      check: (given, answers) =>
        answers.forEach((answer, at) => {
          assert.equal(answer, given[at], "a promise was made");
          if (isGuarded) assert.match(answer.auth.userId, /^usr_/);
        }),
    });
    const rounds = await duel(pace, side(ours, true), side(nothing, false));
    yield {
      bar: "P16 added",
      work: `${name}: what it adds to a request whose token was seen before, with the headers of a browser`,
      value: median(rounds.map((round) => round.ours - round.theirs)),
    };
  }
  await hj.close();
}
