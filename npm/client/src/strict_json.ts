/** The members of an object by name, each with the text that it was written as. */
export interface StrictObject {
  value: Record<string, unknown>;
  /** Of numbers at the top level. */
  written: Map<string, string>;
}

const DEPTH = 128;
const TOKEN = /[\s]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/uy;

/**
 * Reads one JSON object as the engine does: without duplicate names at any depth, without half characters, and without numbers that
 * are too large. Two readers of one text could otherwise see two different values. Null for every other text.
 */
export function parseStrictObject(text: string): StrictObject | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const written = new Map<string, string>();
  // What follows knows that the text is JSON. Each open object has its names; an open array has null.
  const open: (Set<string> | null)[] = [];
  let name = "";
  let isName = false;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    const [, sign, quoted, plain] = found;
    if (sign === "{" || sign === "[") {
      open.push(sign === "{" ? new Set() : null);
      if (open.length >= DEPTH) return null;
      isName = sign === "{";
    } else if (sign === "}" || sign === "]") {
      open.pop();
      isName = false;
    } else if (sign === ",") {
      isName = open.at(-1) !== null;
    } else if (sign === ":") {
      isName = false;
    } else if (quoted !== undefined) {
      const read: string = JSON.parse(quoted);
      if (/\p{Surrogate}/u.test(read)) return null;
      if (!isName) continue;
      if (open.at(-1)?.has(read)) return null;
      open.at(-1)?.add(read);
      name = read;
    } else if (plain !== undefined) {
      if (/^[-\d]/.test(plain) && !Number.isFinite(Number(plain))) return null;
      if (open.length === 1) written.set(name, plain);
    }
  }
  return { value: value as Record<string, unknown>, written };
}
