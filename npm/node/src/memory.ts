import type { NativeTenant } from "./addon";

/**
 * Answers that are kept in mind as long as the engine says that they still hold, which it knows without a system call.
 * A bounded number of them; the oldest goes first.
 */
export class Memory<T> {
  readonly #handle: NativeTenant;
  readonly #most: number;
  readonly #answers = new Map<unknown, { number: number; answer: T }>();

  constructor(handle: NativeTenant, most: number) {
    this.#handle = handle;
    this.#most = most;
  }

  /** Whether there is an answer, good or not. */
  has(question: unknown): boolean {
    return this.#answers.has(question);
  }

  /** The answer, if it still holds. */
  get(question: unknown): T | undefined {
    const known = this.#answers.get(question);
    return known && this.#handle.isFresh(known.number) ? known.answer : undefined;
  }

  /** Keeps an answer under the number that the addon has for what it rests on. */
  keep(question: string, number: number, answer: T): void {
    if (this.#most === 0) return;
    // Anew, so that it counts as the youngest.
    this.#answers.delete(question);
    if (this.#answers.size >= this.#most) {
      const [oldest] = this.#answers.keys();
      if (oldest !== undefined) this.#answers.delete(oldest);
    }
    this.#answers.set(question, { number, answer });
  }

  forget(question: unknown): void {
    this.#answers.delete(question);
  }
}
