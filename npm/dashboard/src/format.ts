const MONTH = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const YEAR = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });
const COUNTRIES = new Intl.DisplayNames("en", { type: "region" });
const NUMBER = new Intl.NumberFormat("en-US");

export const formatNumber = (value: number) => NUMBER.format(value);

const ORDINAL = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS: Readonly<Record<string, string>> = { one: "st", two: "nd", few: "rd", other: "th" };
/** `3rd` */
export const formatOrdinal = (value: number) => `${formatNumber(value)}${ENDINGS[ORDINAL.select(value)]}`;

export const formatClock = (at: number) => CLOCK.format(at);
export const formatSeconds = (at: number) => SECONDS.format(at);
export const formatDay = (at: number) =>
  new Date(at).getUTCFullYear() === new Date().getUTCFullYear() ? MONTH.format(at) : YEAR.format(at);
export const formatExact = (at: number) => `${formatDay(at)}, ${formatClock(at)}`;

export function formatDate(at: number) {
  const today = new Date().toISOString().slice(0, 10);
  const day = new Date(at).toISOString().slice(0, 10);
  return day === today ? formatClock(at) : formatExact(at);
}

export function nameCountry(code: string | null): string {
  if (code === null) return "Unknown place";
  try {
    return COUNTRIES.of(code) ?? code;
  } catch {
    return code;
  }
}

const STEPS: [number, string, string][] = [
  [86_400_000, "day", "days"],
  [3_600_000, "hour", "hours"],
  [60_000, "min", "min"],
];

/** A length of time in one unit: "42 min", "31 hours", "6 days". */
export function formatLength(millis: number): string {
  for (const [size, one, many] of STEPS) {
    // Two days are the first that are counted in days, so that a day and a half keeps its hours.
    if (millis >= size * (size === 86_400_000 ? 2 : 1)) {
      const count = Math.floor(millis / size);
      return `${count} ${count === 1 ? one : many}`;
    }
  }
  return "less than a minute";
}

export function formatRelative(at: number, now = Date.now()): string {
  const away = at - now;
  if (Math.abs(away) < 60_000) return away > 0 ? "in a moment" : "just now";
  return away > 0 ? `in ${formatLength(away)}` : `${formatLength(-away)} ago`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `ses_01KFD5…HX5G9R` */
export function shortenId(id: string): string {
  return id.length > 20 ? `${id.slice(0, 10)}…${id.slice(-6)}` : id;
}

export const UNITS = [
  ["s", "second", 1],
  ["m", "minute", 60],
  ["h", "hour", 3600],
  ["d", "day", 86_400],
  ["w", "week", 604_800],
  ["y", "year", 31_536_000],
] as const;

/** The seconds of a duration of the API, such as `15m`; null for a text that is none. */
export function readDuration(text: string): number | null {
  if (text === "0") return 0;
  const found = /^(0|[1-9]\d*)([smhdwy])$/.exec(text);
  const unit = UNITS.find(([letter]) => letter === found?.[2]);
  const seconds = Number(found?.[1]) * (unit?.[2] ?? Number.NaN);
  return seconds <= 100 * 31_536_000 ? seconds : null;
}

/** A duration in words: `90m` is "1 hour 30 minutes". */
export function describeDuration(text: string): string {
  let rest = readDuration(text) ?? 0;
  const parts: string[] = [];
  for (const [, name, size] of [...UNITS].reverse()) {
    if (name === "week" && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${name}${count > 1 ? "s" : ""}`);
    rest %= size;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 seconds";
}

/** A setting's value as it is sent; what is switched off or unlimited is "none". */
export const describeSetting = (value: unknown) =>
  value === true ? "on" : value === false ? "off" : `${value ?? "none"}`;

export const REASONS: Readonly<Record<string, string>> = {
  sign_out: "Signed out",
  expired: "Reached its end",
  idle_timeout: "Idle too long",
  max_sessions: "Replaced by a newer sign-in",
  revoked: "Ended by request",
  revoke_all: "Signed out everywhere",
  revoke_tenant: "Everyone signed out",
  restored: "Ended by a restore",
  refresh_token_reuse: "Old token presented",
};

export const describeReason = (reason: string | null) => (reason && (REASONS[reason] ?? reason)) || "";
