import { setImmediate } from "node:timers";

// What is answered on this thread is answered at once, and a loop that awaits nothing else would keep the event loop from
// turning. So such calls are counted, and now and then all of them wait for one turn.

/** About how long calls take on this thread, in µs. */
export const REMEMBERED = 3;
export const READ = 20;
export const SIGNATURE = 70;

/** About how long they may go on before the event loop turns, in µs. */
const TURN = 5_000;

let left = TURN;
let turning: Promise<void> | null = null;

/** What to wait for before a call that costs so much, or null. */
export function turn(cost: number): Promise<void> | null {
  left -= cost;
  if (left > 0) return null;
  turning ??= new Promise((settle) => {
    setImmediate(() => {
      left = TURN;
      turning = null;
      settle();
    });
  });
  return turning;
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
