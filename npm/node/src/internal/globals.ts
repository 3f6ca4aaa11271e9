// What other modules would take from the global object. A host may replace or lack any global: jsdom has no `setImmediate`,
// tests fake timers and `performance`. What Node's modules export is taken here once, when the package is loaded, so that a
// later replacement in those modules has no effect either. Only `Response` stays the host's own: the host tests answers with
// `instanceof Response`.
import { Buffer } from "node:buffer";
import { stat } from "node:fs";
import { performance } from "node:perf_hooks";
import * as timers from "node:timers";
import { URL } from "node:url";

export { Buffer, URL };

export const { setTimeout, clearTimeout, setInterval, clearInterval } = timers;

const { setImmediate } = timers;

/** Milliseconds of a clock that never steps back, with fractions. */
export const now: () => number = performance.now.bind(performance);

/** Whether `setImmediate` is Node's own; a fake that was installed before this package was loaded may never run. */
const isGenuine = ((): boolean => {
  const immediate = setImmediate(() => undefined);
  timers.clearImmediate(immediate);
  return immediate.constructor?.name === "Immediate";
})();

/** Runs a callback after the event loop has turned. */
export function afterTurn(callback: () => void): void {
  if (isGenuine) setImmediate(callback);
  // Nothing that fakes timers fakes the end of a file operation.
  else stat(".", callback);
}
