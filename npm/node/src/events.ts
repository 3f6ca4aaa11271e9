import { resolve } from "node:path";
import { validationError } from "./errors";
import { EventConsumer, type EventHandler, type WirePage, waitForCommit } from "./event_consumer";
import type { Event, EventLogReport, EventType } from "./generated/types";
import { toEvent, toEventLogReport, type WireEventLogReport } from "./generated/wire";
import { callBudget } from "./internal/event_loop_budget";
import { addon, callAsync, callInlineOrAsync, completionQueue } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { copyJson, readMembers, readText, readWholeNumber, toRequestJson } from "./internal/validate";
import type { Jwks } from "./keys";

/** Which events to list. */
export interface EventQuery {
  /** Only events with a higher number: `nextAfter` of the previous page. Default: all. */
  after?: number | null | undefined;
  /** Only events of these types. */
  types?: readonly EventType[] | null | undefined;
  /** Only events about sessions of this user. */
  userId?: string | null | undefined;
  /** Only events about this session. */
  sessionId?: string | null | undefined;
  /** How many at most, 1 to 100; default 20. */
  limit?: number | null | undefined;
}

/** One page of events. */
export interface EventPage {
  /** The events, oldest first. */
  events: Event[];
  /** `after` of the next page: the number of the last event that was looked at, whether it matched or not. */
  nextAfter: number;
  /** Whether there were more events to look at; a page may be short or empty before them. */
  hasMore: boolean;
}

const QUERY = {
  after: "after",
  types: "types",
  userId: "user_id",
  sessionId: "session_id",
  limit: "limit",
} as const;
const FILTER = { types: "types", userId: "user_id", sessionId: "session_id" } as const;
const STREAM = { after: "after", ...FILTER } as const;

/** How a stream or a consumer chooses among the events. */
export interface EventFilter {
  /** Only events of these types. */
  types?: readonly EventType[] | null | undefined;
  /** Only events about sessions of this user. */
  userId?: string | null | undefined;
  /** Only events about this session. */
  sessionId?: string | null | undefined;
}

/** What {@link Events.export} has written. */
export interface EventExport {
  /** How many events are in the log. */
  events: number;
}

/** How many events a stream or a consumer reads at once. */
const BATCH = 100;

/** The events of the tenant: `hj.events`. They are recorded while the setting `eventRetention` is set. */
export class Events {
  readonly #tenant: NativeTenant;

  /** @internal */
  constructor(tenant: NativeTenant) {
    this.#tenant = tenant;
  }

  /**
   * Lists a page of events, oldest first. One call looks at no more than 1,000 events: where few match, a page may be short
   * or even empty and have more after it.
   *
   * @throws HelloJohnError `validation_error`; with `session_not_found` for a session id that is none.
   *
   * @example
   * ```js
   * const { events, nextAfter } = await hj.events.list({ types: ["session.ended"], userId: "usr_1" });
   * for (const { at, actor, data } of events) console.log(at, data.end_reason, actor);
   * ```
   */
  async list(query?: EventQuery): Promise<EventPage> {
    const asked = toRequestJson(readMembers("query", query, Object.keys(QUERY)), QUERY);
    const page = await callInlineOrAsync<WirePage>(() => this.#tenant.events(asked));
    const events = callBudget.charge(() => page.data.map(toEvent));
    return { events, nextAfter: page.next_after, hasMore: page.has_more };
  }

  /**
   * Follows the events from number `after` on (default 0: from the oldest that is kept), those of other processes too, and
   * waits for the next ones. An event comes within a second of its commit; while no process commits anything, the stream
   * reads nothing from the disk. It ends with the loop that reads it, and keeps the process alive until then.
   *
   * @throws HelloJohnError what {@link list} rejects with, and `engine_closed` once the object is closed.
   *
   * @example
   * ```js
   * for await (const event of hj.events.stream({ after: 0, types: ["session.ended"] })) {
   *   console.log(event.seq, event.data.end_reason);
   *   if (event.seq >= 100) break;
   * }
   * ```
   */
  async *stream(
    from?: EventFilter & { after?: number | null | undefined },
  ): AsyncGenerator<Event, void, void> {
    const found = readMembers("from", from, Object.keys(STREAM));
    let after: unknown = found.get("after") ?? 0;
    for (;;) {
      const asked = toRequestJson(
        new Map<string, unknown>([...found, ["after", after], ["limit", BATCH]]),
        QUERY,
      );
      const page = await callInlineOrAsync<WirePage>(() => this.#tenant.events(asked));
      for (const event of callBudget.charge(() => page.data.map(toEvent))) yield event;
      after = page.next_after;
      if (!page.has_more) await waitForCommit(this.#tenant, page.mark);
    }
  }

  /**
   * Calls `handler` with each event, one after another, at least once: the position is kept in the database under `name` (1 to
   * 100 bytes), and one process at a time reads under it; another one takes over within a minute of its end. A handler that
   * throws or rejects gets the same event again, after 1 s, 2 s, 4 s and so on up to a minute. A new name begins with the
   * oldest event that is kept.
   *
   * @throws HelloJohnError `validation_error`. What goes wrong later (`engine_closed`, a `storage_…` code) rejects `consumer.ended`.
   *
   * @example
   * ```js
   * const consumer = hj.events.consume("mail", async (event) => {
   *   if (event.data.end_reason === "refresh_token_reuse") await warn(event.userId);
   * }, { types: ["session.ended"] });
   * await consumer.stop();
   * ```
   */
  consume(name: string, handler: EventHandler, filter?: EventFilter): EventConsumer {
    const found = readMembers("filter", filter, Object.keys(FILTER));
    if (typeof handler !== "function") throw validationError("handler", "must be a function");
    const query = toRequestJson(new Map<string, unknown>([...found, ["limit", BATCH]]), QUERY);
    return new EventConsumer(this.#tenant, readText("name", name), handler, query);
  }

  /**
   * Seals the events that are not sealed yet: each gets a hash that chains it to the event before it, and the active signing
   * key signs the hash of the last one. Maintenance does so by itself.
   *
   * @example
   * ```js
   * const { sealed, through } = await hj.events.seal();
   * ```
   */
  async seal(): Promise<{ sealed: number; through: number }> {
    return callAsync(this.#tenant.sealEvents());
  }

  /**
   * Seals the tenant's events and writes those after number `after` (default 0: all that are kept) into a new file, mode 0600,
   * as a signed log of JSON Lines. {@link verifyEventLog} checks it with nothing but the public keys.
   *
   * @throws HelloJohnError `storage_io` when there is a file already or it cannot be written; with `validation_error` for the number of
   * an event that is not kept.
   *
   * @example
   * ```js
   * await hj.events.export("events.jsonl");
   * const { ok, problemSeq } = await verifyEventLog("events.jsonl", await hj.jwks());
   * ```
   */
  async export(path: string, options?: { after?: number | null | undefined }): Promise<EventExport> {
    const target = resolve(readText("path", path));
    const after = readWholeNumber(
      "after",
      readMembers("options", options, ["after"]).get("after"),
      Number.MAX_SAFE_INTEGER,
    );
    return callAsync(this.#tenant.exportEvents(after ?? 0, target));
  }
}

/**
 * Checks a log that {@link Events.export} wrote, offline, and names the first event that was changed, removed, inserted or
 * moved, or the place where the log was cut off. `jwks` are the public keys of the time of the export.
 *
 * @throws HelloJohnError `storage_io` when the file cannot be read; with `validation_error` for keys that are no JWK Set. What is wrong
 * with the log is in the report.
 *
 * @example
 * ```js
 * const report = await verifyEventLog("events.jsonl", JSON.parse(await readFile("events.jwks.json", "utf8")));
 * if (!report.ok) console.error(report.problem, report.problemSeq);
 * ```
 */
export async function verifyEventLog(path: string, jwks: Jwks): Promise<EventLogReport> {
  const keys = JSON.stringify(copyJson("jwks", jwks));
  const call = addon.verifyEventLog(completionQueue, resolve(readText("path", path)), keys);
  return toEventLogReport(await callAsync<WireEventLogReport>(call));
}
