import { afterTurn, now } from "./globals";

// Calls that the addon answers on this thread settle at once, so a loop that awaits nothing else would keep the event loop
// from turning; so would the host's own work on many answers that other threads deliver at once. The time that this takes is
// charged to a budget; when it is spent, calls and answers wait until the event loop has turned.

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
  while (left <= 0) await renewAfterTurn();
  left -= CACHED_ANSWER;
}

function renewAfterTurn(): Promise<void> {
  turn ??= new Promise((settle) => {
    afterTurn(() => {
      left = BUDGET;
      turn = null;
      settle();
      // Before the calls that wait for this turn: they may spend all of it.
      deliver();
    });
  });
  return turn;
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

/** Answers from other threads that have come and are not delivered yet, in their order. */
const ready = new Set<() => void>();

/** When the last of them was delivered, while the time that this takes is not charged yet. */
let deliveredAt: number | null = null;

/**
 * Delivers answers that came together, each by its function. Whatever an answer sets off in the host, up to the next time
 * that it waits, ends before the next answer is delivered and is charged to the budget.
 */
export function deliverInSlices(answers: readonly (() => void)[]): void {
  deliveredAt = null;
  for (const answer of answers) ready.add(answer);
  deliverIfLeft();
  // Node runs what promises wait for after each of these.
  for (let n = 1; n < answers.length; n += 1) afterTurn(deliverIfLeft);
}

function deliverIfLeft(): void {
  if (deliveredAt !== null) left -= (now() - deliveredAt) * 1000;
  deliveredAt = null;
  if (left > 0 || ready.size === 0) {
    deliver();
    return;
  }
  void renewAfterTurn();
  afterTurn(deliverIfLeft);
}

function deliver(): void {
  const [next] = ready;
  if (!next) return;
  ready.delete(next);
  deliveredAt = now();
  next();
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
