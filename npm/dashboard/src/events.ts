import type { Api, Event, EventPage, Stats } from "./api";

/** How many events one call of the API looks at, at most. */
const WINDOW = 1_000;

/** A number that is further behind than so many pages is asked for anew. */
const NEWER_CALLS_MAX = 20;

/** The numbers of the newest event and of the newest sealed one, as far as the page knows. */
export interface NewestEvents {
  newest: number;
  sealed: number;
}

/**
 * Finds the newest event. Stats, which tell it, look at every session; so the page asks them once, and then for the events after
 * the number that it knows.
 */
export async function findNewestEvent(
  ask: Api,
  known: { current: NewestEvents | null },
  signal: AbortSignal,
): Promise<NewestEvents> {
  for (let call = 0; known.current !== null && call < NEWER_CALLS_MAX; call += 1) {
    const { pagination } = await ask<EventPage>("v1/events", {
      query: { after: `${known.current.newest}`, limit: "100" },
      signal,
    });
    known.current = { ...known.current, newest: pagination.next_after };
    if (!pagination.has_more) return known.current;
  }
  const stats = await ask<Stats>("v1/admin/stats", { signal });
  known.current = readNewestEvents(stats);
  return known.current;
}

export const readNewestEvents = (stats: Stats): NewestEvents => ({
  newest: stats.newest_event,
  sealed: stats.newest_sealed_event,
});

export interface EventsFound {
  /** Newest first. */
  events: Event[];
  /** Events up to this number were not looked at. */
  before: number;
}

/**
 * Events up to the number `top`, newest first: the API lists them oldest first, so each call reads the window before the last
 * one. Ends when `want` are found, after `calls` windows, or at the first event, of a session at its sign-in.
 */
export async function findEventsBefore(
  ask: Api,
  top: number,
  query: Record<string, string>,
  want: number,
  calls: number,
  signal: AbortSignal,
): Promise<EventsFound> {
  const events: Event[] = [];
  const size = Object.keys(query).length === 0 ? 100 : WINDOW;
  let before = top;
  for (let call = 0; call < calls && before > 0 && events.length < want; call += 1) {
    const from = Math.max(0, before - size);
    const found: Event[] = [];
    let after = from;
    while (after < before) {
      const page = await ask<EventPage>("v1/events", {
        query: { ...query, after: `${after}`, limit: "100" },
        signal,
      });
      found.push(...page.data.filter(({ seq }) => seq <= before));
      if (!page.pagination.has_more || page.pagination.next_after <= after) break;
      after = page.pagination.next_after;
    }
    events.push(...found.reverse());
    const isWhole = "session_id" in query && found.some(({ type }) => type === "session.created");
    before = isWhole ? 0 : from;
  }
  return { events, before };
}

/** How many events one file of an export holds. */
export const EXPORT_MAX = 100_000;

/** The newest events of this kind as JSON Lines, oldest first. `progress` is told how many there are so far. */
export async function exportEvents(
  ask: Api,
  newest: number,
  query: Record<string, string>,
  progress: (count: number) => void,
  signal: AbortSignal,
): Promise<{ file: Blob; count: number }> {
  const parts: string[] = [];
  let count = 0;
  let after = Math.max(0, newest - EXPORT_MAX);
  while (after < newest) {
    const page = await ask<EventPage>("v1/events", {
      query: { ...query, after: `${after}`, limit: "100" },
      signal,
    });
    const events = page.data.filter(({ seq }) => seq <= newest);
    parts.push(...events.map((event) => `${JSON.stringify(event)}\n`));
    count += events.length;
    progress(count);
    if (!page.pagination.has_more || page.pagination.next_after <= after) break;
    after = page.pagination.next_after;
  }
  return { file: new Blob(parts, { type: "application/jsonl" }), count };
}
