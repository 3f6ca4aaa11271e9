import type { Event, EventType } from "./generated/types";
import { toEvent, type WireEvent } from "./generated/wire";
import { callBudget } from "./internal/event_loop_budget";
import { callInlineOrAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readMembers, toRequestJson } from "./internal/validate";

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
   * Rejects with `validation_error`; with `session_not_found` for a session id that is none.
   *
   * @example
   * ```js
   * const { events, nextAfter } = await hj.events.list({ types: ["session.ended"], userId: "usr_1" });
   * for (const { at, actor, data } of events) console.log(at, data.end_reason, actor);
   * ```
   */
  async list(query?: EventQuery): Promise<EventPage> {
    const asked = toRequestJson(readMembers("query", query, Object.keys(QUERY)), QUERY);
    const page = await callInlineOrAsync<{ data: WireEvent[]; next_after: number; has_more: boolean }>(() =>
      this.#tenant.events(asked),
    );
    const events = callBudget.charge(() => page.data.map(toEvent));
    return { events, nextAfter: page.next_after, hasMore: page.has_more };
  }
}
