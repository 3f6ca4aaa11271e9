import {
  joinSession,
  SESSION_NUMBERS,
  SESSION_TEXTS,
  type WireSession,
  type WireSessionTexts,
} from "../generated/wire";
import { countBytes } from "./answer_cache";

/** More than the addon reads together: what had no room it would leave to be asked for alone. */
const SESSIONS_MAX = 400;

/**
 * Where the addon writes the numbers of sessions that it reads together, until the next call: V8 takes as long to read them from JSON as
 * the texts.
 */
export const sessionNumbers = new Int32Array(SESSIONS_MAX * SESSION_NUMBERS);

/** What joins the sessions of one call with their numbers, one after the other. */
export function sessionJoiner(): (texts: WireSessionTexts) => WireSession {
  let [before, at]: [WireSession | null, number] = [null, 0];
  return (texts) => {
    before = joinSession(texts, before, sessionNumbers, at);
    at += SESSION_NUMBERS;
    return before;
  };
}

/** As {@link countBytes}, in less time. */
export function countSessionBytes(session: WireSession): number {
  let bytes = 48 + 8 * session.length; // its numbers are small, and have no boxes
  for (let at = 0; at <= SESSION_TEXTS; at += 1) bytes += countBytes(session[at]);
  return bytes;
}
