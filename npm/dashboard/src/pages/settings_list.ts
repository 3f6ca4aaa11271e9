import type { Settings } from "../api";
import { readDuration } from "../format";

/** The settings as they are edited. */
export type Draft = Omit<Settings, "warnings">;
export type Name = keyof Draft;

export interface DurationControl {
  kind: "duration";
  /** What follows the words of a good value. */
  after: string;
  /** In seconds. */
  least: number;
  most: number;
  /** The label of the switch that sets it to none, and the value that it begins with. */
  toggle?: readonly [string, string];
}

export type Control =
  | DurationControl
  /** A number, and the label of the switch that sets it to none. */
  | { kind: "count"; toggle: string }
  | { kind: "switch"; toggle: string };

export interface SettingTexts {
  label: string;
  /** The label where there is little room. */
  short: string;
  hint: string;
  /** When a change takes effect. */
  effect: string;
  control: Control;
}

const YEARS_100 = 100 * 31_536_000;

function duration(after: string, more: Partial<DurationControl> = {}): DurationControl {
  return { kind: "duration", after, least: 1, most: YEARS_100, ...more };
}

/** Each setting of the API, in the order of the page. Its name is its id in the page. */
export const SETTINGS: Readonly<Record<Name, SettingTexts>> = {
  session_duration: {
    label: "Session duration",
    short: "Duration",
    hint: "From sign-in to the end, however much it is used. Then the person signs in again.",
    effect: "For new sign-ins. “Remember me” can set its own.",
    control: duration(", then the person signs in again"),
  },
  access_token_ttl: {
    label: "Access token lifetime",
    short: "Access token",
    hint: "Services that check tokens locally notice an ended session after this time at the latest.",
    effect: "With the next token",
    control: duration(" at most until an ended session is noticed everywhere"),
  },
  idle_timeout: {
    label: "Idle timeout",
    short: "Idle",
    hint: "Ends a session that is not used. Each refresh counts as use.",
    effect: "At once, for every session",
    control: duration(" without use", { toggle: ["End idle sessions", "7d"] }),
  },
  max_sessions_per_user: {
    label: "Sessions per user",
    short: "Per user",
    hint: "When someone signs in on one device more, the oldest session ends.",
    effect: "At the user’s next sign-in",
    control: { kind: "count", toggle: "Limit the number" },
  },
  refresh_reuse_window: {
    label: "Refresh reuse window",
    short: "Reuse window",
    hint: "Parallel tabs and lost answers may present the token before once more. After it, an old token ends the session.",
    effect: "At once. Up to 60 seconds.",
    control: duration("", { least: 0, most: 60 }),
  },
  max_actor_duration: {
    label: "Acting for a user",
    short: "Acting",
    hint: "How long a session may last in which another person, such as support, acts for a user. No cap counts it.",
    effect: "For new such sessions",
    control: duration(" at most"),
  },
  event_retention: {
    label: "Keep events",
    short: "Events",
    hint: "Off: nothing is recorded. On: sign-ins, ends, changes and keys, with who did it.",
    effect: "From now on",
    control: duration(", then deleted once sealed", { toggle: ["Record events", "90d"] }),
  },
  record_retention: {
    label: "Keep ended sessions",
    short: "Records",
    hint: "How long an ended session stays in lists and charts.",
    effect: "At the next maintenance",
    control: duration(" after the end", { toggle: ["Delete old records", "1y"] }),
  },
  revocation_list: {
    label: "Revocation list",
    short: "Revocation list",
    hint: "A signed list of ended sessions, for services that check tokens without asking this server: they notice an end within seconds.",
    effect: "At once, for what ends from then on",
    control: { kind: "switch", toggle: "List what ends" },
  },
};

export const NAMES = Object.keys(SETTINGS) as Name[];

export function isDurationGood(text: string, { least, most }: DurationControl): boolean {
  const seconds = readDuration(text);
  return seconds !== null && seconds >= least && seconds <= most;
}

export function isGood(draft: Draft): boolean {
  return NAMES.every((name) => {
    const { control } = SETTINGS[name];
    const value = draft[name];
    // What is switched off is good; the API refuses nothing else that this page can write.
    if (value === null || control.kind === "switch") return true;
    if (control.kind === "count") return Number.isSafeInteger(value) && Number(value) >= 1;
    return isDurationGood(String(value), control);
  });
}
