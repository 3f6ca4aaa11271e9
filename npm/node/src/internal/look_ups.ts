import { callBudget } from "./event_loop_budget";
import { callInlineOrAsyncForText } from "./native";
import type { Call } from "./native_types";
import { operations } from "./observation";

/** How many are handed over in one call. */
const TOGETHER_MAX = 64;

interface Waiting {
  readonly question: string;
  readonly settle: (answer: string | null) => void;
}

/**
 * Look-ups of one kind. Those that are begun in the same turn share one read of the store, which begins after each of them: an answer
 * is never older than its question.
 */
export class LookUps {
  readonly #askAlone: (question: string) => Call;
  readonly #askTogether: (questions: string[]) => readonly (string | null)[];
  readonly #waiting: Waiting[] = [];

  /**
   * `askTogether` answers the first questions, at least one, and gives null for one that has to be asked alone: what is refused, what
   * would take long or has to wait, and everything while the engine is not open.
   */
  constructor(
    askAlone: (question: string) => Call,
    askTogether: (questions: string[]) => readonly (string | null)[],
  ) {
    this.#askAlone = askAlone;
    this.#askTogether = askTogether;
  }

  /** Resolves to the answer's text, or to null if the question has to be asked alone. */
  askTogether(question: string): Promise<string | null> {
    // What is told of an operation is measured for it alone.
    if (operations.hasSubscribers) return Promise.resolve(null);
    return new Promise((settle) => {
      if (this.#waiting.push({ question, settle }) === 1) void this.#answer();
    });
  }

  /** Resolves to the answer's text. */
  askAlone(question: string): Promise<string> {
    return callInlineOrAsyncForText(() => this.#askAlone(question));
  }

  async #answer(): Promise<void> {
    await null; // what else is begun in this turn comes first
    while (this.#waiting.length > 0) {
      while (callBudget.isSpent) await callBudget.renewed();
      this.#answerFirst();
    }
  }

  /** Answers what waits for the end of this turn, as far as there is budget: an engine that is closed answers no more. */
  finish(): void {
    while (this.#waiting.length > 0 && !callBudget.isSpent) this.#answerFirst();
  }

  #answerFirst(): void {
    callBudget.charge(() => {
      const answers = this.#askFirst();
      const answered = this.#waiting.splice(0, answers.length);
      for (let at = 0; at < answered.length; at += 1) answered[at]?.settle(answers[at] ?? null);
    });
  }

  #askFirst(): readonly (string | null)[] {
    const questions = this.#waiting.slice(0, TOGETHER_MAX).map(({ question }) => question);
    try {
      return this.#askTogether(questions);
    } catch {
      return questions.map(() => null); // asked alone, each says what is wrong
    }
  }
}
