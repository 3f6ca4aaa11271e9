import type { Environment } from "./environment.js";

/** A page that got no turn for so many milliseconds goes on: the page that holds the lock may be frozen. */
const TURN_WITHIN = 10_000;

/** Work that must be done one after the other. `hadToWait` tells whether another page had the turn before. */
export type Turn<T> = (hadToWait: boolean) => Promise<T>;

/** One at a time: in this page always, over the pages of the origin where they share locks under this name. */
export function createTurns(environment: Environment, name: string | null): <T>(turn: Turn<T>) => Promise<T> {
  const { locks, setTimer } = environment;
  let last: Promise<unknown> = Promise.resolve();

  async function takeLock<T>(turn: Turn<T>): Promise<T> {
    if (!locks || name === null) return turn(false);
    let hasTurn = false;
    const start = (hadToWait: boolean) => {
      hasTurn = true;
      return turn(hadToWait);
    };
    const patience = new AbortController();
    const cancel = setTimer(() => patience.abort(), TURN_WITHIN);
    try {
      const atOnce = await locks.request(name, { ifAvailable: true }, async (lock) =>
        lock ? { answer: await start(false) } : null,
      );
      if (atOnce) return atOnce.answer;
      return await locks.request(name, { signal: patience.signal }, () => start(true));
    } catch (error) {
      if (hasTurn) throw error;
      // Storage is blocked, and locks with it; or the wait was too long. Then the server sorts out what happens at once.
      return turn(patience.signal.aborted);
    } finally {
      cancel();
    }
  }

  return (turn) => {
    const done = last.then(() => takeLock(turn));
    last = done.catch(() => {});
    return done;
  };
}
