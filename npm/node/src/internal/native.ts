import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { engineError, learnStatuses } from "../errors";
import { charge, deliverInSlices, yieldIfSpent } from "./event_loop_budget";
import { loadAddon } from "./loader";
import type { Call, CompletedCalls, Outcome } from "./native_types";

export const addon = loadAddon();
learnStatuses(addon.errorStatuses());

// The addon closes the engines of a thread that ends, but `process.exit` ends the process without telling it. One listener for
// each process, however often this module is loaded.
if (isMainThread && addon.isFirstInProcess()) process.once("exit", addon.closeEngines);

const waiting = new Map<number, (outcome: Outcome) => void>();

/** One for this thread: calls that end in the same tick come together. */
export const completionQueue = new addon.CompletionQueue(deliver);

// Each keeps the other. The addon keeps neither while no call waits, so that a test runner which loads this module for each
// file does not keep them all.
Object.assign(completionQueue, { deliver });
Object.assign(deliver, { completionQueue });

function deliver(batch: CompletedCalls): void {
  const answers = [];
  for (let at = 0; at < batch.length; at += 3) {
    const call = batch[at] as number;
    const settle = waiting.get(call);
    waiting.delete(call);
    const outcome = { code: batch[at + 1] as string | null, text: batch[at + 2] as string };
    if (settle) answers.push(() => settle(outcome));
  }
  deliverInSlices(answers);
}

/**
 * Waits for the answer to a call. The error is made here, after the `await`, so that its stack goes on with the callers
 * that wait for this promise.
 */
export async function callAsync<T>(call: number): Promise<T> {
  const outcome = await new Promise<Outcome>((settle) => {
    waiting.set(call, settle);
  });
  return unwrap<T>(outcome);
}

/** Makes a call that the addon may answer on this thread, at once. */
export async function callInlineOrAsync<T>(makeCall: () => Call): Promise<T> {
  const pause = yieldIfSpent();
  if (pause) await pause;
  const answer = charge(() => {
    const call = makeCall();
    return typeof call === "string" ? { inline: JSON.parse(call) as T } : call;
  });
  return typeof answer === "number" ? callAsync<T>(answer) : answer.inline;
}

/** The answer in an outcome; throws its error. */
export function unwrap<T>({ code, text }: Outcome): T {
  if (code !== null) throw engineError(code, text);
  return JSON.parse(text) as T;
}
