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

/** Joins the sessions of a page with their numbers, which begin there. */
export function joinSessions(page: readonly WireSessionTexts[], from: number): WireSession[] {
  // A loop without a function of its own: V8 forgets the compiled code of a function that is gone.
  const sessions: WireSession[] = [];
  let at = from;
  let before: WireSession | null = null;
  for (const texts of page) {
    before = joinSession(texts, before, sessionNumbers, at);
    sessions.push(before);
    at += SESSION_NUMBERS;
  }
  return sessions;
}

/** As {@link countBytes}, in less time. */
export function countSessionBytes(session: WireSession): number {
  let bytes = 48 + 8 * session.length; // its numbers are small, and have no boxes
  for (let at = 0; at <= SESSION_TEXTS; at += 1) bytes += countBytes(session[at]);
  return bytes;
}
