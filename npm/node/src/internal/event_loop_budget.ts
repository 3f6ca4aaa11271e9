import { afterTurn, now } from "./globals";

// Calls that the addon answers on this thread settle at once, so a loop that awaits nothing else would keep the event loop
// from turning. The time that such calls take is charged to a budget; when it is spent, calls wait until the event loop has
// turned.

/** How long calls may run between two turns of the event loop, in µs. */
const BUDGET = 5_000;

/** About how long an answer from the answer cache takes, in µs: less than reading the clock. */
const CACHED_ANSWER = 3;

let left = BUDGET;
let turn: Promise<void> | null = null;

/** What a call has to await before it runs on this thread; null if there is budget left. */
export function yieldIfSpent(): Promise<void> | null {
  if (left <= 0) return waitForTurn();
  left -= CACHED_ANSWER;
  return null;
}

async function waitForTurn(): Promise<void> {
  while (left <= 0) {
    turn ??= new Promise((settle) => {
      afterTurn(() => {
        left = BUDGET;
        turn = null;
        settle();
      });
    });
    await turn;
  }
  left -= CACHED_ANSWER;
}

/** Runs work that takes longer than {@link CACHED_ANSWER} and charges its time to the budget. */
export function charge<T>(work: () => T): T {
  const start = now();
  try {
    return work();
  } finally {
    left -= (now() - start) * 1000;
  }
}

let isChecking = false;
const endCheck = () => {
  isChecking = false;
};

/** Whether this call is the only one in this tick that wants to check a signature: several are faster on other threads. */
export function isOnlyCheck(): boolean {
  if (isChecking) return false;
  isChecking = true;
  void Promise.resolve().then(endCheck);
  return true;
}
