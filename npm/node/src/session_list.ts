import { validationError } from "./errors";
import { FILTER_MEMBERS, renameFilter, type SessionFilter } from "./filter";
import type { Session } from "./generated/types";
import { readMembers, readRequiredMembers, readText, toRequestJson } from "./internal/validate";

/** Which page of a list. */
export interface PageOptions {
  /** How many at most, 1 to 100; default 20. */
  limit?: number | null | undefined;
  /** The `nextCursor` of the previous page. */
  cursor?: string | null | undefined;
}

/** Filter and page of a user's list. */
export interface ListOptions extends Omit<SessionFilter, "userId" | "user_id">, PageOptions {}

/** The sessions to list: of one user, or of the whole tenant when no user is given. */
export interface ListQuery extends SessionFilter, PageOptions {}

/**
 * One page, newest first. It is the array of its sessions. `JSON.stringify` writes it as `{sessions, nextCursor}`. What makes
 * another array of it (`slice`, `map`, spread, `structuredClone`) keeps the sessions only: take `nextCursor` before.
 */
export interface SessionList extends Array<Session> {
  /** The array itself. */
  readonly sessions: Session[];
  /** Where the next page starts; null on the last page, and only there: a page may be short or empty before it. */
  readonly nextCursor: string | null;
  /** What `JSON.stringify` writes. */
  toJSON(): { sessions: Session[]; nextCursor: string | null };
}

const PAGE = [...FILTER_MEMBERS, "limit", "cursor"];
const PAGE_OF_USER = PAGE.filter((name) => name !== "userId" && name !== "user_id");

/** The request of a list of a user, or of what an object asks for. @internal */
export function readListQuery(first: unknown, options: unknown): string {
  if (typeof first === "string" && options === undefined) {
    return `{"user_id":${JSON.stringify(readText("user_id", first))},"status":"all"}`; // what most ask for
  }
  const query =
    typeof first === "string"
      ? new Map<string, unknown>([["user_id", first], ...readMembers("options", options, PAGE_OF_USER)])
      : readQuery(first, options);
  if (typeof first === "string") query.set("status", query.get("status") ?? "all");
  return toRequestJson(renameFilter(query), {});
}

/** @internal */
export function toSessionList(sessions: Session[], nextCursor: string | null): SessionList {
  // Not enumerable: the list compares and prints as the array that it is, and structuredClone accepts it. One by one takes less time
  // than `defineProperties`.
  Object.defineProperty(sessions, "sessions", { value: sessions });
  Object.defineProperty(sessions, "nextCursor", { value: nextCursor });
  // A copy, because JSON.stringify would ask the list itself again for its JSON.
  const toJSON = () => ({ sessions: [...sessions], nextCursor });
  return Object.defineProperty(sessions, "toJSON", { value: toJSON }) as SessionList;
}

function readQuery(query: unknown, options: unknown): Map<string, unknown> {
  if (typeof query !== "object" || query === null)
    throw validationError("userId", "must be a string, or an object");
  if (options !== undefined) throw validationError("options", "belong into the object");
  return readRequiredMembers("query", query, PAGE);
}
