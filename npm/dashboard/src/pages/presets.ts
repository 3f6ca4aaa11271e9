import type { Draft } from "./settings_list";

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
