import { encode } from "./signed_text.js";

/** What a list says of an access token. */
export type Standing = "current" | "unknown" | "revoked";

/** Claims of an access token. */
interface Token {
  readonly sub: string;
  readonly session_id: string;
  readonly iat: number;
  readonly act?: { readonly sub: string };
}

/** Sessions that had signed in by a time, as the list tells of them. */
interface Many {
  /** Milliseconds since 1970. */
  at: number;
  /** SHA-256 of the user's id, in base64url; absent for every user. */
  sub_sha256?: string;
  /** The one session that stayed. */
  spared?: string;
  /** The newest session that ended. */
  newest?: string;
  /** Whether sessions in which another person acts for the user have stayed. */
  spares_actors?: boolean;
  /** Seconds since 1970; absent where the engine has not listed the sessions yet. */
  exp?: number;
}

/** The payload of a page of the list, once its signature was verified. */
export interface ListPage {
  /** When the engine wrote it: milliseconds since 1970. */
  at: number;
  since: number;
  seq: number;
  has_more: boolean;
  start?: { at: number; exp: number };
  sessions: { sid: string; exp: number }[];
  many: Many[];
  pending: Many[];
}

/** Tokens are accepted for up to a minute behind their `exp`: entries are kept as much longer. In seconds. */
const LEEWAY_MAX = 60;

/** How many sessions and how many other entries are held; beyond that, what is not held is unknown. */
const SESSIONS_MAX = 100_000;
const OTHERS_MAX = 1_000;

/** What a verifier holds of a tenant's revocation list. */
export class RevocationList {
  /** The number to ask with. */
  seq = 0;
  /** The time of which the list is whole: milliseconds since 1970. */
  listedAt = Number.NEGATIVE_INFINITY;
  /** The time of the last page: an older one is a repetition. */
  private pageAt = Number.NEGATIVE_INFINITY;
  private sessions = new Map<string, number>();
  private many: Many[] = [];
  private pending: Many[] = [];
  private start: { at: number; exp: number } | null = null;
  /** Until when entries matter that were not held because there were too many: seconds since 1970. */
  private unheldUntil = 0;

  /**
   * Takes a page that was asked for with {@link seq}, at this time. False for one that does not follow what is held: an older
   * one, one behind a gap, or one of a clock that is more than a minute ahead.
   */
  take(page: ListPage, askedAt: number): boolean {
    const follows = page.since === this.seq || page.since === 0;
    if (!follows || page.seq < page.since || page.at < this.pageAt) return false;
    if (page.at > askedAt + LEEWAY_MAX * 1000) return false;
    if (page.since === 0 || page.start) this.clear();
    this.pageAt = page.at;
    this.seq = page.seq;
    if (page.start) this.start = page.start;
    for (const { sid, exp } of page.sessions) {
      if (this.sessions.size < SESSIONS_MAX || this.sessions.has(sid)) this.sessions.set(sid, exp);
      else this.unheldUntil = Math.max(this.unheldUntil, exp);
    }
    for (const many of page.many) {
      if (this.many.length < OTHERS_MAX) this.many.push(many);
      else this.unheldUntil = Math.max(this.unheldUntil, many.exp ?? 0);
    }
    this.pending = page.pending;
    if (!page.has_more) {
      this.listedAt = Math.min(page.at, askedAt);
      this.forget(page.at / 1000 - LEEWAY_MAX);
    }
    return true;
  }

  /** Begins anew: nothing is known until the last page of the list is there. */
  clear(): void {
    this.seq = 0;
    this.listedAt = Number.NEGATIVE_INFINITY;
    this.sessions.clear();
    this.many = [];
    this.pending = [];
    this.start = null;
    this.unheldUntil = 0;
  }

  /** Lets go of what no token is about that ends after this second. */
  private forget(before: number): void {
    for (const [sid, exp] of this.sessions) if (exp <= before) this.sessions.delete(sid);
    this.many = this.many.filter(({ exp = 0 }) => exp > before);
    if (this.start && this.start.exp <= before) this.start = null;
    if (this.unheldUntil <= before) this.unheldUntil = 0;
  }

  /** Now, but not before the time of the list: an entry that the engine has let go of must not seem to be missing. */
  timeOf(now: number): number {
    return Math.max(now, this.pageAt);
  }

  async judge({ sub, session_id: sid, iat, act }: Token): Promise<Standing> {
    if (this.sessions.has(sid)) return "revoked";
    const { pending, start, unheldUntil } = this;
    const many = act ? this.many.filter(({ spares_actors }) => !spares_actors) : this.many;
    const isByUser = [...many, ...pending].some(({ sub_sha256 }) => sub_sha256 !== undefined);
    const hash = isByUser ? await hashUser(sub) : "";
    const signedInAt = timeOfId(sid);
    const concerns = ({ at, sub_sha256 = hash, spared, newest = sid }: Many) =>
      sub_sha256 === hash && spared !== sid && sid <= newest && signedInAt <= at && iat * 1000 <= at;
    if (many.some((entry) => concerns(entry) && signedInAt < entry.at)) return "revoked";
    // Of the sign-ins of the very millisecond, an id does not tell which came before.
    if (many.some(concerns) || pending.some(concerns)) return "unknown";
    if ((start && iat * 1000 <= start.at) || unheldUntil > 0) return "unknown";
    return "current";
  }
}

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The time in a session's id: the first ten of the digits behind `ses_`. */
function timeOfId(sid: string): number {
  let time = 0;
  for (const digit of sid.slice(4, 14)) time = time * 32 + DIGITS.indexOf(digit);
  return time;
}

async function hashUser(sub: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sub)));
  return encode(String.fromCharCode(...hash));
}

/** Reads the payload of a list; null for anything else. */
export function readListPage(value: Record<string, unknown>): ListPage | null {
  const { at, since, seq, has_more, start, sessions, many, pending } = value;
  const isGood =
    [at, since, seq].every(isNumber) &&
    typeof has_more === "boolean" &&
    (start === undefined || hasMembers(start, { at: isNumber, exp: isNumber })) &&
    isListOf(sessions, { sid: isText, exp: isNumber }) &&
    isListOf(many, { ...MANY, exp: isNumber }) &&
    isListOf(pending, MANY);
  return isGood ? (value as unknown as ListPage) : null;
}

type Test = (value: unknown) => boolean;

const isNumber: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Test = (value) => typeof value === "string";
const isOptionalText: Test = (value) => value === undefined || isText(value);
const isOptionalBoolean: Test = (value) => value === undefined || typeof value === "boolean";

const MANY = {
  at: isNumber,
  sub_sha256: isOptionalText,
  spared: isOptionalText,
  newest: isOptionalText,
  spares_actors: isOptionalBoolean,
};

function hasMembers(value: unknown, tests: Record<string, Test>): boolean {
  const members = value as Record<string, unknown> | null;
  return (
    typeof members === "object" &&
    members !== null &&
    Object.keys(tests).every((name) => tests[name]?.(members[name]))
  );
}

const isListOf = (value: unknown, tests: Record<string, Test>) =>
  Array.isArray(value) && value.every((item) => hasMembers(item, tests));
