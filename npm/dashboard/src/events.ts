import type { Api, Event, EventPage } from "./api";
import { describeReason, nameCountry } from "./format";

/** How many events one call of the API looks at, at most. */
const WINDOW = 1_000;

export interface EventsFound {
  /** Newest first. */
  events: Event[];
  /** Events up to this number were not looked at. */
  before: number;
}

/**
 * Events up to the number `top`, newest first: the API lists them oldest first, so each call reads the window before the last
 * one. Ends when `want` are found, after `calls` windows, or at the first event.
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
    before = from;
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
  const told = (what: string, icon: string, tone: Told["tone"] = ""): Told => {
    if (actor) more.push(`by ${actor}`);
    return { what, icon, tone, more };
  };
  switch (type) {
    case "session.created": {
      const country = text(data["country"]);
      if (country) more.push(nameCountry(country));
      for (const name of ["device_type", "ip_address"]) {
        const value = text(data[name]);
        if (value) more.push(value);
      }
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
      if (text(data["kid"])) more.push(`${data["kid"]} signs now`);
      return told("Signing key rotated", "rotate");
    case "key.retired":
      if (text(data["kid"])) more.push(`${data["kid"]}`);
      return told("Signing key retired", "key");
    case "secret_key.changed":
      return told("Secret key changed", "key");
    case "refresh_key.rotated":
      return told("Key of the refresh tokens replaced", "key");
    default:
      return told(type, "events");
  }
}
