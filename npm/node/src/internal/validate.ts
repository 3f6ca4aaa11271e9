import { resolve } from "node:path";
import { HelloJohnError, validationError } from "../errors";

// Checks of JavaScript values that the engine cannot make, because they would not survive the way there. The engine itself
// decides whether a value makes sense.

// Far above every limit of the engine: they keep a huge value from blocking the event loop while it is copied.
const CHARACTERS_MAX = 1 << 20;
const VALUES_MAX = 10_000;
const DEPTH_MAX = 64;

/** Required text. */
export function readText(field: string, value: unknown): string {
  if (typeof value !== "string") throw validationError(field, "must be a string");
  return requireWellFormed(field, value);
}

/** Optional text: null when absent. */
export function readOptionalText(field: string, value: unknown): string | null {
  return value === undefined || value === null ? null : readText(field, value);
}

/** The path of a database, absolute. What is no path is left to the engine, which refuses it in its words. */
export function readPath(field: string, value: unknown): string {
  const path = readText(field, value);
  return path !== "" && path !== ":memory:" && !path.includes("://") ? resolve(path) : path;
}

/** An optional whole number from 0 to `max`: null when absent. */
export function readWholeNumber(field: string, value: unknown, max: number): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw validationError(field, `must be a whole number from 0 to ${max.toLocaleString("en-US")}`);
}

/** An optional boolean: null when absent. */
export function readOptionalBoolean(field: string, value: unknown): boolean | null {
  if (value === undefined || value === null || typeof value === "boolean") return value ?? null;
  throw validationError(field, "must be a boolean");
}

/** A token; empty when absent, which the engine refuses with `missing_token`. */
export function readToken(field: string, value: unknown): string {
  return value === undefined || value === null ? "" : readText(field, value);
}

function requireWellFormed(field: string, value: string): string {
  if (value.length > CHARACTERS_MAX) throw validationError(field, "is too long");
  if (!value.isWellFormed()) throw validationError(field, "must not contain a lone surrogate");
  return value;
}

/** Reads the own members of a plain object, each once. An absent object has no members; `known` null allows every name. */
export function readMembers(
  name: string,
  value: unknown,
  known: readonly string[] | null,
): Map<string, unknown> {
  const found = new Map<string, unknown>();
  if (value === undefined || value === null) return found;
  if (!isPlainObject(value)) throw validationError(name, "must be a plain object");
  for (const key of readKeys(name, value)) {
    if (known && !known.includes(key)) throw validationError(toPrintable(key), "is not a known option");
    found.set(key, readProperty(key, value, key));
  }
  return found;
}

/** {@link readMembers} of an object that is required. */
export function readRequiredMembers(
  name: string,
  value: unknown,
  known: readonly string[] | null,
): Map<string, unknown> {
  if (value === undefined || value === null) throw validationError(name, "must be a plain object");
  return readMembers(name, value, known);
}

/** Writes members as the JSON of a request, under the engine's names. `undefined` means absent. */
export function toRequestJson(found: Map<string, unknown>, names: Readonly<Record<string, string>>): string {
  const object = createBareObject();
  for (const [key, value] of found) {
    if (value !== undefined) object[names[key] ?? key] = copyJson(key, value);
  }
  return JSON.stringify(object);
}

interface Budget {
  values: number;
  characters: number;
}

/** Copies a value for JSON; refuses a value that JSON would lose or change. */
export function copyJson(field: string, value: unknown): unknown {
  return copyValue(field, value, { values: VALUES_MAX, characters: CHARACTERS_MAX }, 0);
}

function copyValue(field: string, value: unknown, budget: Budget, depth: number): unknown {
  budget.values -= 1;
  if (budget.values < 0) throw validationError(field, "is too large");
  switch (typeof value) {
    case "string":
      budget.characters -= value.length;
      if (budget.characters < 0) throw validationError(field, "is too long");
      return requireWellFormed(field, value);
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw validationError(field, "must not be NaN or infinite");
      return value;
    case "object":
      break;
    default:
      throw validationError(
        field,
        `must not be ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}`,
      );
  }
  if (value === null) return null;
  // Ends a value that contains itself, too.
  if (depth === DEPTH_MAX) throw validationError(field, "is nested too deeply or contains itself");
  if (isArray(field, value)) {
    const length = readProperty(field, value, "length") as number;
    if (length > budget.values) throw validationError(field, "is too large");
    return Array.from({ length }, (_, at) =>
      copyValue(field, readProperty(field, value, at), budget, depth + 1),
    );
  }
  if (!isPlainObject(value)) throw validationError(field, "must be made of plain objects and arrays");
  const object = createBareObject();
  for (const key of readKeys(field, value)) {
    const member = readProperty(field, value, key);
    if (member === undefined) continue;
    budget.characters -= key.length;
    object[requireWellFormed(field, key)] = copyValue(field, member, budget, depth + 1);
  }
  return object;
}

/** Without a prototype `__proto__` is a name like any other. */
function createBareObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

// A proxy or a getter may throw at every access.

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
  return readSafely(field, () => Array.isArray(value));
}

function readKeys(field: string, value: object): string[] {
  const keys = readSafely(field, () => Reflect.ownKeys(value));
  return keys.map((key) => {
    if (typeof key === "symbol") throw validationError(field, "must not have symbols for names");
    return key;
  });
}

/** Reads a member of an object that may throw at every access. */
export function readProperty(field: string, value: object, key: string | number): unknown {
  return readSafely(toPrintable(field), () => (value as Record<string | number, unknown>)[key]);
}

function readSafely<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new HelloJohnError("validation_error", `${field}: could not be read`, { cause });
  }
}

/** Shortens a name that a caller chose to one printable line. */
function toPrintable(name: string): string {
  return name
    .slice(0, 64)
    .toWellFormed()
    .replace(/\p{Cc}/gu, "");
}
