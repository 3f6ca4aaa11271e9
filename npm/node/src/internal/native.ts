import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { engineError, learnStatuses } from "../errors";
import { callBudget, deliverInSlices } from "./event_loop_budget";
import { loadAddon } from "./loader";
import type { Addon, Call, CompletedCalls, Outcome } from "./native_types";
import { Observation } from "./observation";

const bare = loadAddon();
learnStatuses(bare.errorStatuses());

// The addon closes the engines of a thread that ends, but `process.exit` ends the process without telling it. One listener for
// each process, however often this module is loaded.
if (isMainThread && bare.isFirstInProcess()) process.once("exit", bare.closeEngines);

const waiting = new Map<number, (outcome: Outcome) => void>();

/** One for this thread: calls that end in the same tick come together. */
export const completionQueue = new bare.CompletionQueue(deliver);

const observation = new Observation(completionQueue);

export const addon: Addon = {
  ...bare,
  NativeTenant: observation.observed(bare.NativeTenant),
  Rest: observation.observed(bare.Rest),
};

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
    const [code, text] = batch.slice(at + 1, at + 3) as [string | null, string | null];
    if (settle) answers.push(() => settle(text === null ? takeLongAnswer(call) : { code, text }));
  }
  deliverInSlices(answers);
}

function takeLongAnswer(call: number): Outcome {
  try {
    return { code: null, text: completionQueue.takeLongAnswer(call) ?? "" };
  } catch {
    return { code: "internal", text: "the answer is too long" };
  }
}

/**
 * Waits for the answer to a call, which is JSON. The error is made here, after the `await`, so that its stack goes on with the callers
 * that wait for this promise.
 */
export async function callAsync<T>(call: number): Promise<T> {
  const outcome = await settled(call);
  observation.publish(call);
  return unwrap<T>(outcome);
}

/** As {@link callAsync}, for an answer that is not all JSON. */
export async function callAsyncForText(call: number): Promise<string> {
  const outcome = await settled(call);
  observation.publish(call);
  return textOf(outcome);
}

function settled(call: number): Promise<Outcome> {
  return new Promise((settle) => {
    waiting.set(call, settle);
  });
}

/** Makes a call that the addon may answer on this thread, at once; its answer is not all JSON. */
export async function callInlineOrAsyncForText(makeCall: () => Call): Promise<string> {
  while (callBudget.isSpent) await callBudget.renewed();
  const answer = callBudget.charge(makeCall);
  return typeof answer === "number" ? callAsyncForText(answer) : answer;
}

/** Makes a call that the addon may answer on this thread, at once. */
export async function callInlineOrAsync<T>(makeCall: () => Call): Promise<T> {
  while (callBudget.isSpent) await callBudget.renewed();
  const answer = callBudget.charge(() => {
    const call = makeCall();
    return typeof call === "string" ? { inline: JSON.parse(call) as T } : call;
  });
  return typeof answer === "number" ? callAsync<T>(answer) : answer.inline;
}

/** The answer in an outcome, which is JSON; throws its error. */
export function unwrap<T>(outcome: Outcome): T {
  return JSON.parse(textOf(outcome)) as T;
}

/** The answer in an outcome; throws its error. */
export function textOf({ code, text }: Outcome): string {
  if (code !== null) throw engineError(code, text);
  return text;
}
