import { toSession, type WireSession } from "../generated/wire";
import { toUnsharedSession } from "../session";
import { type SessionList, toSessionList } from "../session_list";
import type { AnswerCache } from "./answer_cache";
import { callBudget, mapInSlices } from "./event_loop_budget";
import { LookUps } from "./look_ups";
import type { NativeTenant } from "./native_types";
import { fromCache } from "./observation";

/** What comes before the sessions of a page. */
interface WireHead {
  next_cursor: string | null;
  /** Of the page's validator in the addon; null when the page must not be cached. */
  number: number | null;
}

/** A page of a list. The sessions of a long page are JSON: to make all of them in one go would stop the event loop. */
export interface Page extends WireHead {
  readonly sessions: readonly (WireSession | string)[];
}

/** A page that is kept: as it came until it is asked for again, and a long one for ever, because that takes less memory. */
export type KeptPage = Page | string;

/** A page of more characters is a long one. */
const SHORT_PAGE_MAX = 65_536;

/** Reads pages of sessions. First pages of users' lists are kept as long as they are fresh. */
export class Lists {
  readonly #tenant: NativeTenant;
  readonly #tenantId: string;
  /** By their request, beside what else is kept. */
  readonly #kept: AnswerCache<WireSession | KeptPage>;
  readonly #lookUps: LookUps;
  /** The pages that other threads read, by their request. None of these promises is rejected. */
  readonly #readElsewhere = new Map<string, Promise<void>>();

  constructor(tenant: NativeTenant, tenantId: string, kept: AnswerCache<WireSession | KeptPage>) {
    this.#tenant = tenant;
    this.#tenantId = tenantId;
    this.#kept = kept;
    this.#lookUps = new LookUps(
      (query) => tenant.list(query),
      (queries) => tenant.listTogether(queries),
    );
  }

  /** The page that a request asks for, which is JSON, if it is kept. */
  cached(request: string): SessionList | Promise<SessionList> | undefined {
    return callBudget.charge(() => {
      const page = fromCache("list", this.#tenantId, () => this.#keptPage(request), countRows);
      return page && toList(page, toUnsharedSession);
    });
  }

  /** The page that a request asks for, which is JSON. */
  async read(request: string): Promise<SessionList> {
    const answer = await this.#lookUps.askTogether(request);
    if (answer !== null) return this.#toNewList(request, answer);
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
    if (typeof kept !== "string") return kept && !isSession(kept) ? kept : undefined;
    const page = toPage(kept);
    if (page.number !== null && !isLong(kept)) this.#kept.keep(request, page.number, page);
    return page;
  }

  #toNewList(request: string, answer: string): SessionList | Promise<SessionList> {
    return callBudget.charge(() => {
      const page = toPage(answer);
      if (page.number !== null) this.#kept.keep(request, page.number, answer);
      return toList(page, toSession);
    });
  }

  /** Ends when another thread has read the same page for an earlier call, and it may be kept. */
  #findReader(request: string): Promise<void> | undefined {
    // Reads over a network are made together, and their answers are not kept.
    return this.#tenant.readsOverNetwork() ? undefined : this.#readElsewhere.get(request);
  }

  /** Reads a page that the addon does not read together with others. */
  #readElse(request: string): Promise<SessionList> {
    const read = this.#lookUps.askAlone(request).then((answer) => this.#toNewList(request, answer));
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

/** The page in an answer, which is an array with its head and a line for each session. */
function toPage(answer: string): Page {
  if (!isLong(answer)) {
    const [head, ...sessions] = JSON.parse(answer) as [WireHead, ...WireSession[]];
    return { next_cursor: head.next_cursor, number: head.number, sessions };
  }
  const [head, ...sessions] = answer.slice(1, -1).split(",\n");
  const { next_cursor, number } = JSON.parse(head as string) as WireHead;
  return { next_cursor, number, sessions };
}

/** A list that shares nothing with what is kept; `make` makes a session of it. */
function toList({ sessions, next_cursor }: Page, make: typeof toSession): SessionList | Promise<SessionList> {
  const made = mapInSlices(sessions, (session) =>
    typeof session === "string" ? toSession(JSON.parse(session) as WireSession) : make(session),
  );
  return Array.isArray(made)
    ? toSessionList(made, next_cursor)
    : made.then((all) => toSessionList(all, next_cursor));
}

function countRows({ sessions }: Page): number {
  return sessions.length;
}
