import { callBudget } from "./event_loop_budget";
import { operations } from "./observation";

/** How many are handed over in one call. */
const TOGETHER_MAX = 64;

interface Waiting<Answer> {
  readonly question: string;
  readonly settle: (answer: Answer | Promise<Answer> | null) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Look-ups of one kind. Those that are begun in the same turn share one read of the store, which begins after each of them: an answer
 * is never older than its question.
 */
export class LookUps<Wire, Answer> {
  readonly #askTogether: (questions: string[]) => readonly (Wire | null)[];
  readonly #read: (question: string, answer: Wire) => Answer | Promise<Answer>;
  #waiting: Waiting<Answer>[] = [];
  /** How many the next call hands over: each takes time, also one that is left for the call after it. */
  #together = TOGETHER_MAX;

  /**
   * `askTogether` answers the first questions, at least one, and gives null for one that has to be asked alone: what is refused, what
   * would take long or has to wait, and everything while the engine is not open. `read` makes of an answer what the caller gets.
   */
  constructor(
    askTogether: (questions: string[]) => readonly (Wire | null)[],
    read: (question: string, answer: Wire) => Answer | Promise<Answer>,
  ) {
    this.#askTogether = askTogether;
    this.#read = read;
  }

  /** Resolves to the answer, or to null if the question has to be asked alone. */
  ask(question: string): Promise<Answer | null> {
    // What is told of an operation is measured for it alone.
    if (operations.hasSubscribers) return Promise.resolve(null);
    return new Promise((settle, fail) => {
      if (this.#waiting.push({ question, settle, fail }) === 1) void this.#answer();
    });
  }

  async #answer(): Promise<void> {
    await null; // what else is begun in this turn comes first
    while (this.#waiting.length > 0) {
      while (callBudget.isSpent) await callBudget.renewed();
      // What was waited for may have answered them all: a subscriber that is told of a cached answer may close the engine.
      if (this.#waiting.length > 0) this.#answerFirst();
    }
  }

  /** Answers what waits for the end of this turn, as far as there is budget: an engine that is closed answers no more. */
  finish(): void {
    while (this.#waiting.length > 0 && !callBudget.isSpent) this.#answerFirst();
  }

  #answerFirst(): void {
    callBudget.charge(this.#settleFirst);
  }

  /** One function for all turns: V8 forgets the compiled code of a function that is gone. */
  readonly #settleFirst = (): void => {
    const asked = this.#waiting.slice(0, this.#together);
    const answers = this.#askFirst(asked.map(toQuestion));
    this.#together = Math.min(TOGETHER_MAX, 2 * answers.length);
    this.#waiting = this.#waiting.slice(answers.length);
    for (let at = 0; at < answers.length; at += 1) {
      const answer = answers[at] as Wire | null;
      const { question, settle, fail } = asked[at] as Waiting<Answer>;
      try {
        settle(answer && this.#read(question, answer));
      } catch (error) {
        fail(error);
      }
    }
  };

  #askFirst(questions: string[]): readonly (Wire | null)[] {
    try {
      return this.#askTogether(questions);
    } catch {
      return questions.map(() => null); // asked alone, each says what is wrong
    }
  }
}

function toQuestion({ question }: { readonly question: string }): string {
  return question;
}
