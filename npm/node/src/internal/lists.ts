import { SESSION_NUMBERS, toSession, type WireSession, type WireSessionTexts } from "../generated/wire";
import { toUnsharedSession } from "../session";
import { type SessionList, toSessionList } from "../session_list";
import { type AnswerCache, countBytes } from "./answer_cache";
import { callBudget, mapInSlices } from "./event_loop_budget";
import { LookUps } from "./look_ups";
import { callInlineOrAsyncForText } from "./native";
import type { NativeTenant } from "./native_types";
import { fromCache } from "./observation";
import { countSessionBytes, joinSessions, sessionNumbers } from "./session_parts";

/** A page as the addon sends it: the number is that of its validator, null when the page must not be cached. */
type WirePage<T = WireSession> = [sessions: T[], nextCursor: string | null, number: number | null];

/** A page of a list. The sessions of a long page are JSON: to make all of them in one go would stop the event loop. */
export interface Page {
  readonly sessions: readonly (WireSession | string)[];
  readonly nextCursor: string | null;
  readonly number: number | null;
}

/** A page that is kept: a long one as it came, because that takes less memory. */
export type KeptPage = Page | string;

/** A page of more characters is a long one. */
const SHORT_PAGE_MAX = 65_536;

/** Reads pages of sessions. First pages of users' lists are kept as long as they are fresh. */
export class Lists {
  readonly #tenant: NativeTenant;
  readonly #tenantId: string;
  /** By their request, beside what else is kept. */
  readonly #kept: AnswerCache<WireSession | KeptPage>;
  readonly #lookUps: LookUps<Page, SessionList>;
  /** The pages that other threads read, by their request. None of these promises is rejected. */
  readonly #readElsewhere = new Map<string, Promise<void>>();

  constructor(tenant: NativeTenant, tenantId: string, kept: AnswerCache<WireSession | KeptPage>) {
    this.#tenant = tenant;
    this.#tenantId = tenantId;
    this.#kept = kept;
    this.#lookUps = new LookUps(
      (queries) => readTogether(tenant, queries),
      (request, page) => this.#toNewList(request, page),
    );
  }

  /** The page that a request asks for, which is JSON, if it is kept. */
  cached(request: string): SessionList | Promise<SessionList> | undefined {
    return callBudget.charge(() => {
      const page = fromCache("list", this.#tenantId, () => this.#keptPage(request), countRows);
      return page && toList(page, toUnsharedSession);
    });
  }

  /** The page that a request asks for, read together with those that are asked for in the same turn; null if it has to be read alone. */
  readTogether(request: string): Promise<SessionList | null> {
    return this.#lookUps.ask(request);
  }

  /** The page that a request asks for. */
  async readAlone(request: string): Promise<SessionList> {
    const earlier = this.#findReader(request);
    if (earlier) {
      await earlier;
      const list = this.cached(request);
      if (list) return list;
    }
    return this.#readElse(request);
  }

  /** Reads what was begun in this turn. */
  finish(): void {
    this.#lookUps.finish();
  }

  #keptPage(request: string): Page | undefined {
    const kept = this.#kept.getUnchanged(request);
    if (typeof kept === "string") return readPage(kept);
    return kept && !isSession(kept) ? kept : undefined;
  }

  /** `kept` is what is kept of it. */
  #toNewList(request: string, page: Page, kept: KeptPage = page): SessionList | Promise<SessionList> {
    if (page.number === null) return toList(page, toSession);
    this.#kept.keep(request, page.number, kept, countKeptBytes(kept));
    return toList(page, toUnsharedSession);
  }

  /** Ends when another thread has read the same page for an earlier call, and it may be kept. */
  #findReader(request: string): Promise<void> | undefined {
    // Reads over a network are made together, and their answers are not kept.
    return this.#tenant.readsOverNetwork() ? undefined : this.#readElsewhere.get(request);
  }

  /** Reads a page that the addon does not read together with others. */
  #readElse(request: string): Promise<SessionList> {
    const read = callInlineOrAsyncForText(() => this.#tenant.list(request)).then((answer) =>
      callBudget.charge(() => {
        const page = readPage(answer);
        return this.#toNewList(request, page, isLong(answer) ? answer : page);
      }),
    );
    const end = () => {
      if (this.#readElsewhere.get(request) === reading) this.#readElsewhere.delete(request);
    };
    const reading: Promise<void> = read.then(end, end);
    this.#readElsewhere.set(request, reading);
    return read;
  }
}

/** A session is an array, a page is none. */
export function isSession(answer: WireSession | Page): answer is WireSession {
  return Array.isArray(answer);
}

function isLong(answer: string): boolean {
  return answer.length > SHORT_PAGE_MAX;
}

function toPage([sessions, nextCursor, number]: WirePage): Page {
  return { sessions, nextCursor, number };
}

function readTogether(tenant: NativeTenant, queries: string[]): (Page | null)[] {
  const pages = JSON.parse(
    tenant.listTogether(queries, sessionNumbers),
  ) as (WirePage<WireSessionTexts> | null)[];
  const joined: (Page | null)[] = [];
  let at = 0;
  for (const page of pages) {
    const sessions: WireSession[] = page ? joinSessions(page[0], at) : [];
    joined.push(page && { sessions, nextCursor: page[1], number: page[2] });
    at += SESSION_NUMBERS * sessions.length;
  }
  return joined;
}

/** The page in an answer, in which each session is a line. */
function readPage(answer: string): Page {
  if (!isLong(answer)) return toPage(JSON.parse(answer) as WirePage);
  const end = answer.lastIndexOf("\n]");
  const [, nextCursor, number] = JSON.parse(`[[${answer.slice(end + 1)}`) as WirePage;
  const sessions = answer.slice(answer.indexOf("\n") + 1, end).split(",\n");
  return { sessions, nextCursor, number };
}

function countKeptBytes(kept: KeptPage): number {
  if (typeof kept === "string") return countBytes(kept);
  let bytes = 150 + countBytes(kept.nextCursor);
  for (const session of kept.sessions) {
    bytes += 8 + (typeof session === "string" ? countBytes(session) : countSessionBytes(session));
  }
  return bytes;
}

/** A list that shares nothing with what is kept; `make` makes a session of it. */
function toList({ sessions, nextCursor }: Page, make: typeof toSession): SessionList | Promise<SessionList> {
  const made = mapInSlices(sessions, (session) =>
    typeof session === "string" ? toSession(JSON.parse(session) as WireSession) : make(session),
  );
  return Array.isArray(made)
    ? toSessionList(made, nextCursor)
    : made.then((all) => toSessionList(all, nextCursor));
}

function countRows({ sessions }: Page): number {
  return sessions.length;
}
