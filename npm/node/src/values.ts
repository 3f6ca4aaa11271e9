/** A value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A length of time: a positive whole number of one unit, `s m h d w y`, such as `"15m"`, or whole seconds as a number. */
export type Duration = string | number;

export function toDate(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
