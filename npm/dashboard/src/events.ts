import type { Api, Event, EventPage, Stats } from "./api";
import { describeReason, nameCountry, shortenId } from "./format";

/** How many events one call of the API looks at, at most. */
const WINDOW = 1_000;

/** A number that is further behind than so many pages is asked for anew. */
const NEWER_CALLS_MAX = 20;

/**
 * The number of the newest event. Stats, which tell it, look at every session; so the page asks them once, and then for the
 * events after the number that it knows.
 */
export async function findNewestEvent(
  ask: Api,
  known: { current: number | null },
  signal: AbortSignal,
): Promise<number> {
  for (let call = 0; known.current !== null && call < NEWER_CALLS_MAX; call += 1) {
    const { pagination } = await ask<EventPage>("v1/events", {
      query: { after: `${known.current}`, limit: "100" },
      signal,
    });
    known.current = pagination.next_after;
    if (!pagination.has_more) return pagination.next_after;
  }
  const { newest_event } = await ask<Stats>("v1/admin/stats", { signal });
  known.current = newest_event;
  return newest_event;
}

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

export interface Told {
  icon: string;
  tone: "" | "event-dot-ok" | "event-dot-alert";
  what: string;
  more: string[];
}

const text = (value: unknown) => (typeof value === "string" ? value : null);

/** What an operator reads of an event. A type that this page does not know keeps its name. */
export function tellEvent({ type, data, actor }: Event): Told {
  const more: string[] = [];
  const kid = text(data["kid"]);
  const told = (what: string, icon: string, tone: Told["tone"] = ""): Told => {
    if (actor) more.push(`by ${actor}`);
    return { what, icon, tone, more };
  };
  switch (type) {
    case "session.created": {
      const country = text(data["country"]);
      if (country) more.push(nameCountry(country));
      const device = text(data["device_type"]);
      if (device) more.push(device === "unknown" ? "unknown device" : device);
      const address = text(data["ip_address"]);
      if (address) more.push(address);
      const evicted = Array.isArray(data["evicted"]) ? data["evicted"].length : 0;
      if (evicted > 0) more.push(`replaced ${evicted} older ${evicted === 1 ? "session" : "sessions"}`);
      return told("Signed in", "signin", "event-dot-ok");
    }
    case "session.refreshed":
      return told("Refreshed", "refresh");
    case "session.updated": {
      const names = data["changed"];
      if (Array.isArray(names)) more.push(names.join(", "));
      return told("Updated", "settings");
    }
    case "session.ended": {
      const reason = text(data["end_reason"]);
      more.push(describeReason(reason));
      if (reason === "refresh_token_reuse") return told("Ended", "alert", "event-dot-alert");
      return told("Ended", reason === "sign_out" ? "exit" : reason === "revoked" ? "stop" : "clock");
    }
    case "session.purged":
      return told("Record deleted", "slash");
    case "config.updated": {
      const changed = (data["changed"] ?? {}) as Record<string, { old: unknown; new: unknown }>;
      for (const [name, value] of Object.entries(changed))
        more.push(`${name} ${value.old ?? "none"} → ${value.new ?? "none"}`);
      return told("Settings changed", "settings");
    }
    case "key.rotated":
      if (kid) more.push(`${shortenId(kid)} signs now`);
      return told("Signing key rotated", "rotate");
    case "key.retired":
      if (kid) more.push(shortenId(kid));
      return told("Signing key retired", "key");
    case "secret_key.changed":
      return told("Secret key changed", "key");
    case "refresh_key.rotated":
      return told("Key of the refresh tokens replaced", "key");
    default:
      return told(type, "events");
  }
}
