import { afterTurn, now } from "./globals";

// Calls that the addon answers on this thread settle at once, so a loop that awaits nothing else would keep the event loop
// from turning; so would the host's own work on many answers that other threads deliver at once. The time that this takes is
// charged to a budget; when it is spent, calls and answers wait until the event loop has turned. A turn in which it was not
// spent renews it too, so that only the work between two turns counts.

/** How long calls may run between two turns of the event loop, in µs. */
const BUDGET = 5_000;

/** From here on the next turn renews the budget. Less than all of it, so that most turns need no timer. */
const LOW = BUDGET / 2;

/** About how long an answer from the answer cache takes, in µs: less than reading the clock. */
const CACHED_ANSWER = 3;

/** What one kind of work may take between two turns. */
class Budget {
  #left = BUDGET;
  #turn: Promise<void> | null = null;
  readonly #onRenewal: () => void;

  /** `onRenewal` runs before the calls that wait for the turn: they may spend all of it. */
  constructor(onRenewal: () => void = () => undefined) {
    this.#onRenewal = onRenewal;
  }

  /**
   * Whether the next call has to wait. Each call that waited for a {@link renewed} budget has to ask again: calls before it may
   * have spent that.
   */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** What work of about so many µs has to await before it runs on this thread; null if there is budget left. */
  yieldIfSpent(time = CACHED_ANSWER): Promise<void> | null {
    if (this.isSpent) return this.#waitForTurn(time);
    this.spend(time);
    return null;
  }

  async #waitForTurn(time: number): Promise<void> {
    while (this.isSpent) await this.renewed();
    this.spend(time);
  }

  /** Runs work that takes longer than {@link CACHED_ANSWER} and charges its time. */
  charge<T>(work: () => T): T {
    const start = now();
    try {
      return work();
    } finally {
      this.spend((now() - start) * 1000);
    }
  }

  /** Charges so many µs. */
  spend(time: number): void {
    this.#left -= time;
    if (this.#left < LOW) void this.renewed();
  }

  /** Renews the budget when the event loop has turned. */
  renewed(): Promise<void> {
    this.#turn ??= new Promise((settle) => {
      afterTurn(() => {
        this.#left = BUDGET;
        this.#turn = null;
        settle();
        this.#onRenewal();
      });
    });
    return this.#turn;
  }
}

/** For calls that settle at once. Work on the REST API's requests does not spend it: a gate waits for no list. */
export const callBudget = new Budget();

/** For requests of the REST API and for answers from other threads. */
export const answerBudget = new Budget(deliver);

/** How many values are made between two looks at the budget: of sessions with claims of 4 KB, some milliseconds. */
const SLICE = 8;

/**
 * Makes a value of each item on this thread: of few at once, of many in slices between which the event loop may turn. The caller charges
 * what is made at once, which is at least the first slice.
 */
export function mapInSlices<T, U>(items: readonly T[], make: (item: T) => U): U[] | Promise<U[]> {
  if (items.length <= SLICE) return items.map((item) => make(item));
  const first = items.slice(0, SLICE).map((item) => make(item));
  return mapRest(items, make, first);
}

async function mapRest<T, U>(items: readonly T[], make: (item: T) => U, made: U[]): Promise<U[]> {
  while (made.length < items.length) {
    while (callBudget.isSpent) await callBudget.renewed();
    callBudget.charge(() => {
      for (const item of items.slice(made.length, made.length + SLICE)) made.push(make(item));
    });
  }
  return made;
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
  if (deliveredAt !== null) answerBudget.spend((now() - deliveredAt) * 1000);
  deliveredAt = null;
  if (!answerBudget.isSpent || ready.size === 0) {
    deliver();
    return;
  }
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
