import type { NativeTenant } from "./native_types";

/** What a cache may hold: the smaller of the two limits counts. */
export interface CacheLimits {
  readonly answers: number;
  readonly bytes: number;
}

interface CachedAnswer<T> {
  /** All of it: tokens of one end are different tokens. */
  readonly question: string;
  readonly number: number;
  readonly answer: T;
  readonly bytes: number;
}

/** What the cache itself needs for an answer, besides the text of the question. */
const ENTRY_BYTES = 250;

/** A longer question is found by so many characters at its end: those of a token are a part of its signature. */
const KEY_LENGTH = 64;

/**
 * A bounded cache of answers, oldest evicted first. The addon keeps a validator for each answer and says, without a system
 * call, whether the answer is still fresh.
 */
export class AnswerCache<T> {
  readonly #tenant: NativeTenant;
  readonly #limits: CacheLimits;
  readonly #answers = new Map<string, CachedAnswer<T>>();
  /**
   * Where evictions that follow one another go on: a new iterator would first pass over the places of all removed answers that the map
   * still has. No answer that is still there lies before it. It is dropped once there is room, because an iterator that stands still keeps
   * tables in memory that the map has outgrown.
   */
  #oldestFirst: Iterator<string> | null = null;
  #bytes = 0;

  constructor(tenant: NativeTenant, limits: CacheLimits) {
    this.#tenant = tenant;
    this.#limits = limits;
  }

  /** The bytes that the answers occupy by this cache's count. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#answers.size;
  }

  /** Whether there is an answer, fresh or not. */
  has(question: unknown): boolean {
    return this.#find(question) !== undefined;
  }

  /** The answer, if it is still fresh. */
  get(question: unknown): T | undefined {
    const cached = this.#find(question);
    return cached && this.#tenant.isFresh(cached.number) ? cached.answer : undefined;
  }

  /** The answer, if nothing has changed it: not one that the engine lets verifications remember for a time. */
  getUnchanged(question: unknown): T | undefined {
    const cached = this.#find(question);
    return cached && this.#tenant.isUnchanged(cached.number) ? cached.answer : undefined;
  }

  /** Keeps an answer with the number of its validator. */
  keep(question: string, number: number, answer: T, answerBytes = countBytes(answer)): void {
    // Inserted anew, so that it counts as the youngest.
    this.#remove(keyOf(question));
    if (this.#limits.answers === 0) return;
    const bytes = ENTRY_BYTES + countBytes(question) + answerBytes;
    if (bytes > this.#limits.bytes) return;
    if (this.#hasRoom(bytes)) this.#oldestFirst = null;
    while (!this.#hasRoom(bytes)) {
      this.#oldestFirst ??= this.#answers.keys();
      this.#remove(this.#oldestFirst.next().value as string);
    }
    this.#answers.set(keyOf(question), { question, number, answer, bytes });
    this.#bytes += bytes;
  }

  #hasRoom(bytes: number): boolean {
    return this.#answers.size < this.#limits.answers && this.#bytes + bytes <= this.#limits.bytes;
  }

  forget(question: unknown): void {
    if (this.#find(question)) this.#remove(keyOf(question as string));
  }

  #find(question: unknown): CachedAnswer<T> | undefined {
    if (typeof question !== "string") return undefined;
    const cached = this.#answers.get(keyOf(question));
    return cached?.question === question ? cached : undefined;
  }

  #remove(key: string): void {
    const cached = this.#answers.get(key);
    if (!cached) return;
    this.#answers.delete(key);
    this.#bytes -= cached.bytes;
  }
}

/** Takes less time than the hash of a whole token. */
function keyOf(question: string): string {
  return question.length > KEY_LENGTH ? question.slice(-KEY_LENGTH) : question;
}

/** The bytes that a value of JSON occupies in V8 on a 64-bit machine, rather more than less. */
export function countBytes(value: unknown): number {
  if (typeof value === "string") return 24 + 2 * value.length;
  // A double has a box of its own; the slot that holds the value is counted with what it stands in.
  if (typeof value === "number") return 16;
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) {
    let bytes = 48;
    for (const item of value) bytes += 8 + countBytes(item);
    return bytes;
  }
  let bytes = 88; // with the four slots that a literal has in reserve
  for (const name in value) {
    // Objects with many members keep them in a table of which half may be empty.
    bytes += 48 + countBytes(name) + countBytes((value as Record<string, unknown>)[name]);
  }
  return bytes;
}
