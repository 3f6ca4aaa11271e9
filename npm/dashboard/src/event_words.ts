import type { Event } from "./api";
import type { Field } from "./filter";
import { describeReason, describeSetting, formatNumber, nameCountry, shortenId } from "./format";

/** The words of each type of event, and its picture. */
export const EVENT_TYPES: Readonly<Record<string, readonly [string, string]>> = {
  "session.created": ["Signed in", "signin"],
  "session.adopted": ["Taken over from the old system", "signin"],
  "session.refreshed": ["Refreshed", "refresh"],
  "session.updated": ["Updated", "settings"],
  "session.ended": ["Ended", "clock"],
  "session.purged": ["Record deleted", "slash"],
  "config.updated": ["Settings changed", "settings"],
  "key.rotated": ["Signing key rotated", "rotate"],
  "key.retired": ["Signing key retired", "key"],
  "secret_key.changed": ["Secret key changed", "key"],
  "refresh_key.rotated": ["Key of the refresh tokens replaced", "key"],
  "tenant.imported": ["Sessions imported", "signin"],
  "database.restored": ["Backup restored", "refresh"],
};

/** The types that a page shows together. */
export const EVENT_KINDS: readonly (readonly [string, string])[] = [
  ["", "All"],
  ["session.created,session.adopted", "Sign-ins"],
  ["session.ended", "Ends"],
  [
    "session.updated,session.purged,config.updated,key.rotated,key.retired,secret_key.changed,refresh_key.rotated,tenant.imported,database.restored",
    "Changes",
  ],
];

export const EVENT_FIELDS: readonly Field[] = [
  {
    name: "types",
    label: "Type is",
    group: "Type",
    hint: "one",
    kind: "choice",
    choices: Object.entries(EVENT_TYPES).map(([type, [words]]) => [type, words]),
    icon: "events",
  },
  { name: "user_id", label: "User is", group: "User", hint: "id", kind: "text", icon: "user" },
  { name: "session_id", label: "Session is", group: "Session", hint: "id", kind: "text", icon: "sessions" },
];

export interface Told {
  icon: string;
  tone: "" | "event-dot-ok" | "event-dot-alert";
  what: string;
  more: string[];
}

const text = (value: unknown) => (typeof value === "string" ? value : null);

/** What an operator reads of an event. A type that this page does not know keeps its name. */
export function tellEvent(event: Event): Told {
  const { type, actor } = event;
  const [what, icon] = EVENT_TYPES[type] ?? [type, "events"];
  const told: Told = { icon, tone: "", what, more: [], ...tellData(event) };
  if (actor) told.more.push(`by ${actor}`);
  return told;
}

/** What its data add. */
function tellData({ type, data }: Event): Partial<Told> {
  const kid = text(data["kid"]);
  switch (type) {
    case "session.created": {
      const actedBy = text(data["acted_by"]);
      const reason = text(data["reason"]);
      return {
        tone: "event-dot-ok",
        ...(data["imported"] === true ? { what: "Imported" } : {}),
        ...(actedBy === null ? {} : { what: `${actedBy} acts for the user` }),
        more: [...tellPlace(data), ...(reason ? [reason] : [])],
      };
    }
    case "session.adopted":
      return { tone: "event-dot-ok", more: tellPlace(data) };
    case "session.updated": {
      const names = data["changed"];
      return Array.isArray(names) ? { more: [names.join(", ")] } : {};
    }
    case "session.ended": {
      const reason = text(data["end_reason"]);
      const more = [describeReason(reason)];
      if (reason === "refresh_token_reuse") return { icon: "alert", tone: "event-dot-alert", more };
      if (reason === "sign_out") return { icon: "exit", more };
      return reason === "revoked" ? { icon: "stop", more } : { more };
    }
    case "config.updated": {
      const changed = (data["changed"] ?? {}) as Record<string, { old: unknown; new: unknown }>;
      const tell = ([name, value]: [string, { old: unknown; new: unknown }]) =>
        `${name} ${describeSetting(value.old)} → ${describeSetting(value.new)}`;
      return { more: Object.entries(changed).map(tell) };
    }
    case "key.rotated":
      return kid ? { more: [`${shortenId(kid)} signs now`] } : {};
    case "key.retired":
      return kid ? { more: [shortenId(kid)] } : {};
    case "tenant.imported":
      if (data["state"] === "begun") return { what: "Import begun" };
      return {
        ...(data["state"] === "cut_off" ? { what: "Import broken off" } : {}),
        more: tellImport(data),
      };
    case "database.restored":
      return { tone: "event-dot-alert", more: tellRestore(data) };
    default:
      return {};
  }
}

function tellPlace(data: Event["data"]): string[] {
  const more: string[] = [];
  const country = text(data["country"]);
  if (country) more.push(nameCountry(country));
  const device = text(data["device_type"]);
  if (device) more.push(device === "unknown" ? "unknown device" : device);
  const address = text(data["ip_address"]);
  if (address) more.push(address);
  const evicted = Array.isArray(data["evicted"]) ? data["evicted"].length : 0;
  if (evicted > 0) more.push(`replaced ${evicted} older ${evicted === 1 ? "session" : "sessions"}`);
  return more;
}

const IMPORT_COUNTS = [
  ["already_imported", "were there already"],
  ["expired", "had expired"],
  ["over_limits", "were over the limits"],
  ["bad_rows", "could not be read"],
] as const;

function tellImport(data: Event["data"]): string[] {
  const count = (name: string) => Number(data[name] ?? 0);
  const rest = IMPORT_COUNTS.filter(([name]) => count(name) > 0);
  return [
    `${formatNumber(count("imported"))} of ${formatNumber(count("rows"))} rows`,
    ...rest.map(([name, words]) => `${formatNumber(count(name))} ${words}`),
  ];
}

function tellRestore(data: Event["data"]): string[] {
  const policy = text(data["policy"]);
  const ended = data["ended"];
  return [
    ...(policy ? [policy] : []),
    ...(typeof ended === "number" ? [`${formatNumber(ended)} ended by the log`] : []),
  ];
}
