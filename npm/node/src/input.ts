import { HelloJohnError, invalid } from "./error";

// What JavaScript can pass and the engine cannot be asked about. Whether a value makes sense is the engine's to say.

/** Far above every limit of the engine: keeps a huge value from blocking the event loop while it is copied. */
const MOST_CHARACTERS = 1 << 20;
const MOST_VALUES = 10_000;
const DEEPEST = 64;

/** Required text. */
export function text(field: string, value: unknown): string {
  if (typeof value !== "string") throw invalid(field, "must be a string");
  return wellFormed(field, value);
}

/** Text or nothing. */
export function optionalText(field: string, value: unknown): string | null {
  return value === undefined || value === null ? null : text(field, value);
}

/** A whole number from 0 to `most`, or nothing. */
export function wholeNumber(field: string, value: unknown, most: number): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw invalid(field, `must be a whole number from 0 to ${most.toLocaleString("en-US")}`);
}

/** A token. One that is not there is the engine's `missing_token`. */
export function token(field: string, value: unknown): string {
  return value === undefined || value === null ? "" : text(field, value);
}

function wellFormed(field: string, value: string): string {
  if (value.length > MOST_CHARACTERS) throw invalid(field, "is too long");
  if (!value.isWellFormed()) throw invalid(field, "must not contain a lone surrogate");
  return value;
}

/** An object of options: its own members, each read once. `undefined` stands for no options. */
export function members(name: string, value: unknown, known: readonly string[] | null): Map<string, unknown> {
  const found = new Map<string, unknown>();
  if (value === undefined || value === null) return found;
  if (!isPlainObject(value)) throw invalid(name, "must be a plain object");
  for (const key of ownKeys(name, value)) {
    if (known && !known.includes(key)) throw invalid(printable(key), "is not a known option");
    found.set(key, property(key, value, key));
  }
  return found;
}

/** The same, where the object is required. */
export function requiredMembers(
  name: string,
  value: unknown,
  known: readonly string[] | null,
): Map<string, unknown> {
  if (value === undefined || value === null) throw invalid(name, "must be a plain object");
  return members(name, value, known);
}

/** The JSON of a request: members under the engine's names. Absent and `undefined` are the same. */
export function request(found: Map<string, unknown>, names: Readonly<Record<string, string>>): string {
  const object = emptyObject();
  for (const [key, value] of found) {
    if (value !== undefined) object[names[key] ?? key] = json(key, value);
  }
  return JSON.stringify(object);
}

interface Budget {
  values: number;
  characters: number;
}

/** A copy of the value that says as JSON what it says as a value; anything that would be lost or changed is refused. */
export function json(field: string, value: unknown): unknown {
  return copy(field, value, { values: MOST_VALUES, characters: MOST_CHARACTERS }, 0);
}

function copy(field: string, value: unknown, budget: Budget, depth: number): unknown {
  budget.values -= 1;
  if (budget.values < 0) throw invalid(field, "is too large");
  switch (typeof value) {
    case "string":
      budget.characters -= value.length;
      if (budget.characters < 0) throw invalid(field, "is too long");
      return wellFormed(field, value);
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw invalid(field, "must not be NaN or infinite");
      return value;
    case "object":
      break;
    default:
      throw invalid(field, `must not be ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}`);
  }
  if (value === null) return null;
  // Also what ends a value that contains itself.
  if (depth === DEEPEST) throw invalid(field, "is nested too deeply or contains itself");
  if (isArray(field, value)) {
    const length = property(field, value, "length") as number;
    if (length > budget.values) throw invalid(field, "is too large");
    return Array.from({ length }, (_, at) => copy(field, property(field, value, at), budget, depth + 1));
  }
  if (!isPlainObject(value)) throw invalid(field, "must be made of plain objects and arrays");
  const object = emptyObject();
  for (const key of ownKeys(field, value)) {
    const member = property(field, value, key);
    if (member === undefined) continue;
    budget.characters -= key.length;
    object[wellFormed(field, key)] = copy(field, member, budget, depth + 1);
  }
  return object;
}

/** Without a prototype `__proto__` is a name like any other. */
function emptyObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

// A proxy or a getter may throw at every look.

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  try {
    if (Array.isArray(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    // Object.prototype of this or any other realm.
    return prototype === null || Object.getPrototypeOf(prototype) === null;
  } catch {
    return false;
  }
}

function isArray(field: string, value: object): value is unknown[] {
  return reading(field, () => Array.isArray(value));
}

function ownKeys(field: string, value: object): string[] {
  const keys = reading(field, () => Reflect.ownKeys(value));
  return keys.map((key) => {
    if (typeof key === "symbol") throw invalid(field, "must not have symbols for names");
    return key;
  });
}

function property(field: string, value: object, key: string | number): unknown {
  return reading(printable(field), () => (value as Record<string | number, unknown>)[key]);
}

function reading<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new HelloJohnError("validation_error", `${field}: could not be read`, { cause });
  }
}

/** A name from outside, fit for one line. */
function printable(name: string): string {
  return name
    .slice(0, 64)
    .toWellFormed()
    .replace(/\p{Cc}/gu, "");
}
