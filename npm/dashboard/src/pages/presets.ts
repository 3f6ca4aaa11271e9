import type { Settings } from "../api";
import { readDuration } from "../format";

/** The settings as they are edited. */
export type Draft = Omit<Settings, "warnings">;

interface Preset {
  id: string;
  name: string;
  what: string;
  values: Partial<Draft>;
  rows: [string, string][];
}

/** The profiles of the documents. A value that a preset does not name stays as it is. */
export const PRESETS: readonly Preset[] = [
  {
    id: "standard",
    name: "Standard",
    what: "Most web apps",
    values: { session_duration: "30d", access_token_ttl: "1h", idle_timeout: null },
    rows: [
      ["Duration", "30 days"],
      ["Access token", "1 hour"],
      ["Idle", "none"],
      ["Per user", "as it is"],
    ],
  },
  {
    id: "high",
    name: "High security",
    what: "Banking, healthcare",
    values: {
      session_duration: "24h",
      access_token_ttl: "15m",
      idle_timeout: "1h",
      max_sessions_per_user: 3,
    },
    rows: [
      ["Duration", "24 hours"],
      ["Access token", "15 min"],
      ["Idle", "1 hour"],
      ["Per user", "3"],
    ],
  },
  {
    id: "enterprise",
    name: "Enterprise",
    what: "Compliance",
    values: { session_duration: "8h", access_token_ttl: "5m", idle_timeout: "30m", max_sessions_per_user: 2 },
    rows: [
      ["Duration", "8 hours"],
      ["Access token", "5 min"],
      ["Idle", "30 min"],
      ["Per user", "2"],
    ],
  },
];

const isNumberGood = (value: number | null) => value === null || (Number.isSafeInteger(value) && value >= 1);

export function isGood(draft: Draft): boolean {
  const isDuration = (text: string | null) => text === null || (readDuration(text) ?? 0) > 0;
  const window = readDuration(draft.refresh_reuse_window);
  return (
    [
      draft.session_duration,
      draft.access_token_ttl,
      draft.idle_timeout,
      draft.event_retention,
      draft.record_retention,
    ].every(isDuration) &&
    isNumberGood(draft.max_sessions_per_user) &&
    window !== null &&
    window <= 60
  );
}
