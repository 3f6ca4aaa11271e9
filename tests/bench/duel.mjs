// Two sides do the same work in turns, so that whatever else the machine does meets both.

/** How long a run takes: a quick look or the published table. */
export const PACES = {
  quick: { rounds: 7, roundMs: 90, mostCalls: 4_000 },
  full: { rounds: 9, roundMs: 1_000, mostCalls: 40_000 },
};

/**
 * A side of a duel.
 *
 * @typedef {object} Side
 * @property {(count: number) => unknown[] | Promise<unknown[]>} inputs what the calls of a round are given; not timed
 * @property {(input: unknown) => unknown} call the work; timed
 * @property {(inputs: unknown[], answers: unknown[]) => unknown} check throws unless the work was done; not timed
 * @property {number} [inFlight] how many calls are under way at once
 * @property {number} [most] how many calls a round may have at most
 * @property {number} [batch] how many inputs one call takes, as an array
 */

/** The microseconds per call of both sides, round by round. */
export async function duel(pace, ours, theirs) {
  const counts = [await warmUp(pace, ours), await warmUp(pace, theirs)];
  const rounds = [];
  for (let round = 0; round < pace.rounds; round++) {
    const first = round % 2;
    const times = [];
    for (const turn of [first, 1 - first]) {
      times[turn] = await play([ours, theirs][turn], counts[turn]);
    }
    rounds.push({ ours: times[0], theirs: times[1] });
  }
  return rounds;
}

/** After so many calls V8 has compiled what they run. A side whose rounds are short gets there in several. */
const HOT_CALLS = 10_000;

/** Runs the side until its code is hot, or for as long as two rounds: how many calls make a round. */
async function warmUp(pace, side) {
  const most = Math.min(side.most ?? pace.mostCalls, pace.mostCalls);
  const fitting = (perCall) =>
    64 * Math.max(1, Math.min(Math.floor(most / 64), Math.round((pace.roundMs * 1000) / perCall / 64)));
  const first = fitting(await play(side, 64));
  let perCall = await play(side, first);
  for (let calls = first; calls < HOT_CALLS && calls * perCall < 2_000 * pace.roundMs; calls += first) {
    perCall = await play(side, first);
  }
  return fitting(perCall);
}

/** One round: microseconds per call. */
async function play(side, count) {
  const inputs = await side.inputs(count);
  if (inputs.length !== count) throw new Error(`${inputs.length} inputs for ${count} calls`);
  const { batch = 1, inFlight = 1 } = side;
  const calls = batch === 1 ? inputs : slices(inputs, batch);
  const answers = new Array(calls.length);
  globalThis.gc();
  const start = performance.now();
  if (inFlight === 1) await inTurn(calls, side.call, answers);
  else await atOnce(calls, side.call, answers, inFlight);
  const elapsed = performance.now() - start;
  await side.check(inputs, batch === 1 ? answers : answers.flat());
  return (elapsed * 1000) / count;
}

async function inTurn(calls, call, answers) {
  for (let at = 0; at < calls.length; at++) {
    const answer = call(calls[at]);
    // A side that answers without a promise does not pay for one.
    answers[at] = answer instanceof Promise ? await answer : answer;
  }
}

/** Keeps this many calls under way until all are answered. */
export async function atOnce(calls, call, answers, inFlight) {
  let next = 0;
  const caller = async () => {
    while (next < calls.length) {
      const at = next++;
      answers[at] = await call(calls[at]);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

function slices(inputs, size) {
  return Array.from({ length: inputs.length / size }, (_, at) => inputs.slice(at * size, (at + 1) * size));
}

/** Goes round and round the pool; each call goes on where the one before stopped. */
export function inCircles(pool) {
  let next = 0;
  return (count) => Array.from({ length: count }, () => pool[next++ % pool.length]);
}
