import { engineError, learnStatuses } from "./error";
import { loadAddon } from "./loader";
import { timed, turn } from "./turn";

/**
 * The native addon. A method of {@link NativeTenant} returns the number of its call, whose answer comes to the port, or the
 * answer itself, where that was to be had at once.
 */
export interface Addon {
  version(): string;
  errorStatuses(): Record<string, number>;
  CompletionQueue: new (deliver: (batch: Batch) => void) => CompletionQueue;
  NativeClock: new (at: number) => NativeClock;
  NativeTenant: new (port: CompletionQueue, options: string, secretKey: string, clock: NativeClock | null) => NativeTenant;
  Rest: new (handle: NativeTenant, options: string) => Rest;
  gateRefusal(options: string): Outcome | null;
  errorAnswer(code: string, detail: string): Outcome;
  restPaths(): string[];
  isRestPath(path: string): boolean;
  restBodyMax(): number;
}

/** The number of a call, or its answer as JSON. */
export type Call = number | string;

type CompletionQueue = { readonly port: unique symbol };

export interface NativeClock {
  now(): number;
  set(at: number): void;
}

/** An answer without a detour: the error's code and detail, or null and the answer's JSON. */
export interface Outcome {
  code: string | null;
  text: string;
}

export interface NativeTenant {
  refusal(): Outcome | null;
  ready(): number;
  create(request: string): number;
  refresh(refreshToken: string, request: string): number;
  update(sessionId: string, patch: string): number;
  get(sessionId: string): Call;
  list(query: string): Call;
  verifySession(sessionId: string): Call;
  verifyAccessToken(token: string, here: boolean): Call;
  isFresh(number: number): boolean;
  verifyLocally(token: string, options: string): number;
  verifyLocallyHere(token: string, options: string): Call;
  verifyLocallySync(token: string, options: string): Outcome;
  revoke(sessionId: string): number;
  revokeUser(userId: string, except: string | null): number;
  revokeTenant(): number;
  signOut(token: string, scope: string | null): number;
  config(): number;
  updateConfig(patch: string): number;
  jwks(): number;
  keys(): number;
  rotateKeys(): number;
  retireKey(kid: string): number;
  changeSecretKey(secretKey: string): number;
  stats(): number;
  sweep(): number;
  purge(before: string): number;
  lowerClockMark(): number;
  close(): number;
}

/** The REST API with options of its own. Headers are names and values in turn. */
export interface Rest {
  refusal(): Outcome | null;
  begin(method: string, target: string, headers: string[], body: Uint8Array, address: string | null): number;
  finish(ticket: number, word: "user" | "nobody" | "failed" | "not_offered", user: string | null): number;
  authorize(headers: string[], options: string): number;
}

/** For each answer: the number of the call, the error's code or null, and the JSON or the error's detail. */
type Batch = (number | string | null)[];

const waiting = new Map<number, (outcome: Outcome) => void>();

function deliver(batch: Batch): void {
  for (let at = 0; at < batch.length; at += 3) {
    const call = batch[at] as number;
    const settle = waiting.get(call);
    waiting.delete(call);
    settle?.({ code: batch[at + 1] as string | null, text: batch[at + 2] as string });
  }
}

export const addon = loadAddon();
learnStatuses(addon.errorStatuses());

/** One for this thread: answers of the same tick arrive together. */
export const port = new addon.CompletionQueue(deliver);

/**
 * The answer to a call. The error is made here, after the `await`, so that its stack goes on with the callers that
 * wait for this promise.
 */
export async function answered<T>(call: number): Promise<T> {
  const outcome = await new Promise<Outcome>((settle) => {
    waiting.set(call, settle);
  });
  return opened<T>(outcome);
}

/** The answer to a call that may be answered on this thread. */
export async function looked<T>(ask: () => Call): Promise<T> {
  const pause = turn();
  if (pause) await pause;
  const answer = timed(() => {
    const call = ask();
    return typeof call === "string" ? { here: JSON.parse(call) as T } : call;
  });
  return typeof answer === "number" ? answered<T>(answer) : answer.here;
}

export function opened<T>({ code, text }: Outcome): T {
  if (code !== null) throw engineError(code, text);
  return JSON.parse(text) as T;
}
