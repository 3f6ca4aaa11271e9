import type { NativeTenant } from "./native_types";

/**
 * A bounded cache of answers, oldest evicted first. The addon keeps a validator for each answer and says, without a system
 * call, whether the answer is still fresh.
 */
export class AnswerCache<T> {
  readonly #tenant: NativeTenant;
  readonly #capacity: number;
  readonly #answers = new Map<unknown, { number: number; answer: T }>();

  constructor(tenant: NativeTenant, capacity: number) {
    this.#tenant = tenant;
    this.#capacity = capacity;
  }

  /** Whether there is an answer, fresh or not. */
  has(question: unknown): boolean {
    return this.#answers.has(question);
  }

  /** The answer, if it is still fresh. */
  get(question: unknown): T | undefined {
    const cached = this.#answers.get(question);
    return cached && this.#tenant.isFresh(cached.number) ? cached.answer : undefined;
  }

  /** Keeps an answer with the number of its validator. */
  keep(question: string, number: number, answer: T): void {
    if (this.#capacity === 0) return;
    // Inserted anew, so that it counts as the youngest.
    this.#answers.delete(question);
    if (this.#answers.size >= this.#capacity) {
      const [oldest] = this.#answers.keys();
      if (oldest !== undefined) this.#answers.delete(oldest);
    }
    this.#answers.set(question, { number, answer });
  }

  forget(question: unknown): void {
    this.#answers.delete(question);
  }
}
