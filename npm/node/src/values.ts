/** A value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A type whose values JSON can say, member by member; `never` in place of what JSON cannot. Interfaces fit. */
export type JsonLike<T> = T extends Json | undefined
  ? T
  : T extends (...args: never[]) => unknown
    ? never
    : T extends object
      ? { readonly [K in keyof T]: JsonLike<T[K]> }
      : never;

/** A length of time: a positive whole number of one unit, `s m h d w y`, such as `"15m"`, or whole seconds as a number. */
export type Duration = string | number;

export function toDate(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}

/** A time from the two numbers that the addon sends: the millions of milliseconds, and the rest. */
export function joinTime(millions: number, rest: number): Date {
  return new Date(millions * 1_000_000 + rest);
}

export function joinOptionalTime(
  millions: number | null | undefined,
  rest: number | null | undefined,
): Date | null {
  return typeof millions === "number" ? joinTime(millions, rest ?? 0) : null;
}

/** A value last seen: absent where it is the one of the sign-in, false where there is none. */
export function lastSeen(last: string | false | null | undefined, first: string | null): string | null {
  return last === false ? null : (last ?? first);
}
