import type { Event } from "./generated/types";
import { toEvent, type WireEvent } from "./generated/wire";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "./internal/globals";
import { addon, callAsync, unwrap } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";

/** @internal */
export interface WirePage {
  data: WireEvent[];
  next_after: number;
  has_more: boolean;
  mark: string;
}

/** How often a reader that waits for events asks, in ms. It asks shared memory, not the disk. */
const POLL = 250;

/** What a consumer calls with each event. */
export type EventHandler = (event: Event) => unknown;

/**
 * Thrown by a handler of the package: the event comes again after so many ms.
 * @internal
 */
export class Later extends Error {
  constructor(readonly waitMs: number) {
    super("later");
  }
}

/**
 * Thrown by a handler of the package: the consumer ends before this event.
 * @internal
 */
export class Over extends Error {
  constructor(readonly why: string) {
    super(why);
  }
}

/** A running consumer of events: {@link Events.consume}. */
export class EventConsumer {
  /** Resolves when the consumer was stopped, rejects when it cannot go on. */
  readonly ended: Promise<void>;
  readonly #tenant: NativeTenant;
  readonly #name: string;
  readonly #holder = addon.newHolder();
  readonly #stop = new Stop();

  /** @internal */
  constructor(tenant: NativeTenant, name: string, handler: EventHandler, query: string) {
    this.#tenant = tenant;
    this.#name = name;
    this.ended = this.#run(handler, query);
    // The host may look at `ended` later, or never.
    this.ended.catch(() => undefined);
  }

  /**
   * Ends the consumer after the event that its handler is at, and lets another process go on at once.
   *
   * @example
   * ```js
   * await consumer.stop(); // waits for the handler that runs
   * ```
   */
  async stop(): Promise<void> {
    this.#stop.give();
    await this.ended;
  }

  async #run(handler: EventHandler, query: string): Promise<void> {
    try {
      await this.#follow(handler, query);
    } catch (error) {
      if (error instanceof Over) await this.#release();
      throw error;
    }
    await this.#release();
  }

  async #follow(handler: EventHandler, query: string): Promise<void> {
    while (!this.#stop.isGiven) {
      const page = await callAsync<WirePage | null>(this.#tenant.nextEvents(this.#name, this.#holder, query));
      // Another process reads under the name.
      if (page === null) await pause(1_000, this.#stop);
      else if (await this.#handle(page, handler)) {
        if (!page.has_more) await waitForCommit(this.#tenant, page.mark, this.#stop);
      }
    }
  }

  async #release(): Promise<void> {
    await callAsync(this.#tenant.releaseEvents(this.#name, this.#holder));
  }

  /** Handles the events of a page; false if another process has taken over, or the consumer was stopped. */
  async #handle(page: WirePage, handler: EventHandler): Promise<boolean> {
    for (const wire of page.data) {
      if (!(await this.#handleOne(toEvent(wire), handler)) || !(await this.#hold(wire.seq))) return false;
    }
    const last = page.data.at(-1)?.seq ?? 0;
    // Events that the filter passes over are done with, too.
    return page.next_after <= last || page.next_after === 0 || this.#hold(page.next_after);
  }

  async #handleOne(event: Event, handler: EventHandler): Promise<boolean> {
    for (let delay = 1_000; !this.#stop.isGiven; delay = Math.min(delay * 2, 60_000)) {
      // A handler may take longer than the lease.
      const renewal = setInterval(() => this.#hold(-1).catch(() => false), 15_000);
      try {
        await handler(event);
        return true;
      } catch (error) {
        if (error instanceof Over) throw error;
        // A host's handler says nothing that this library could use: the event comes again.
        const wait = error instanceof Later ? error.waitMs : delay * (0.75 + Math.random() / 2);
        await pause(wait, this.#stop);
        // Meanwhile the engine may have been closed, or another process may have taken over.
        if (!this.#stop.isGiven && !(await this.#hold(-1))) return false;
      } finally {
        clearInterval(renewal);
      }
    }
    return false;
  }

  #hold(through: number): Promise<boolean> {
    return callAsync<boolean>(this.#tenant.holdEvents(this.#name, this.#holder, through));
  }
}

/**
 * Waits until a process may have committed something since the page with this mark, or until the stop.
 * @internal
 */
export async function waitForCommit(tenant: NativeTenant, mark: string, stop?: Stop): Promise<void> {
  while (!stop?.isGiven && !unwrap<boolean>(tenant.mayHaveEventsSince(mark))) await pause(POLL, stop);
}

/** Waits so many ms, or until the stop. */
function pause(ms: number, stop?: Stop): Promise<void> {
  return new Promise((settle) => {
    const timer = setTimeout(settle, ms);
    stop?.wait(() => {
      clearTimeout(timer);
      settle();
    });
  });
}

/** Whether a consumer has to end, and what waits for that. A host may lack `AbortController`. */
class Stop {
  isGiven = false;
  #waiting: (() => void) | null = null;

  /** Calls the one function that waits now, at once or at the stop. */
  wait(wake: () => void): void {
    if (this.isGiven) wake();
    else this.#waiting = wake;
  }

  give(): void {
    this.isGiven = true;
    this.#waiting?.();
  }
}
