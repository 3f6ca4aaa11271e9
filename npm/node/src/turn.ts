// What is answered on this thread is answered at once, and a loop that awaits nothing else would keep the event loop from
// turning. So the time that such calls take is added up, and now and then they wait until the event loop has turned.

/** How long they may go on before it turns, in µs. */
const TURN = 5_000;

/** About how long it takes to answer from memory: less than it takes to look at the clock. */
const REMEMBERED = 3;

// As they are now: tests of hosts replace them.
const soon = setImmediate;
const { now } = performance;

let left = TURN;
let turning: Promise<void> | null = null;

/** What a call has to wait for before it is answered on this thread; null for nothing. */
export function turn(): Promise<void> | null {
  if (left <= 0) return nextTurn();
  left -= REMEMBERED;
  return null;
}

async function nextTurn(): Promise<void> {
  while (left <= 0) {
    turning ??= new Promise((settle) => {
      soon(() => {
        left = TURN;
        turning = null;
        settle();
      });
    });
    await turning;
  }
  left -= REMEMBERED;
}

/** Does what takes longer than {@link REMEMBERED}. */
export function timed<T>(work: () => T): T {
  const start = now.call(performance);
  try {
    return work();
  } finally {
    left -= (now.call(performance) - start) * 1000;
  }
}

let computing = false;
const computed = () => {
  computing = false;
};

/** Whether this is the only call that wants to compute: more at once are faster on other threads. */
export function isAlone(): boolean {
  if (computing) return false;
  computing = true;
  queueMicrotask(computed);
  return true;
}
