import type { Api, Page, Session } from "./api";

/** How many sessions a page shows. */
export const ROWS = 20;
/** Each call looks at 1,000 sessions; where few of them match, a page takes several calls, and no more than these. */
export const CALLS_MAX = 20;

export interface Found {
  sessions: Session[];
  next: string | null;
  /** Whether there may be more matches although the page is not full. */
  isCut: boolean;
}

/** Sessions that match, newest first, from a cursor on. */
export async function findSessions(
  ask: Api,
  query: Record<string, string>,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Found> {
  const sessions: Session[] = [];
  let next = cursor;
  for (let call = 0; call < CALLS_MAX; call += 1) {
    const page = await ask<Page<Session>>("v1/sessions", {
      query: { ...query, limit: `${ROWS - sessions.length}`, ...(next === null ? {} : { cursor: next }) },
      signal,
    });
    sessions.push(...page.data);
    next = page.pagination.next_cursor;
    if (next === null || sessions.length >= ROWS) return { sessions, next, isCut: false };
  }
  return { sessions, next, isCut: true };
}
