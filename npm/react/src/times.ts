const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["week", 7 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** Writes times for people, in their language and time zone. */
export interface Times {
  /** The server's time now, in milliseconds: the device's may be wrong. */
  readonly now: number;
  /** `2 hours ago`, `yesterday`. */
  since: (time: string) => string;
  /** `8 January, 10:30`; with the year if it is another one. */
  exact: (time: string) => string;
  /** `7 February`. */
  day: (time: string) => string;
}

export function createTimes(locale: string | undefined, now: number): Times {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const format = (time: string, options: Intl.DateTimeFormatOptions) => {
    const date = new Date(time);
    const year = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" as const };
    return new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", ...year, ...options }).format(
      date,
    );
  };
  return {
    now,
    since(time) {
      const passed = Math.max(0, now - Date.parse(time));
      const [unit, length] = UNITS.find(([, length]) => passed >= length) ?? ["minute", 60_000];
      return relative.format(-Math.floor(passed / length), unit);
    },
    exact: (time) => format(time, { hour: "2-digit", minute: "2-digit" }),
    day: (time) => format(time, {}),
  };
}

/** The name of a country in the user's language; null if there is none. */
export function nameCountry(locale: string | undefined, code: string | null): string | null {
  if (code === null) return null;
  try {
    return new Intl.DisplayNames(locale, { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}
