/** What the client uses of the world around it. Tests and unusual runtimes replace parts of it. */
export interface Environment {
  /** Asks the API. */
  fetch: (input: Request | URL | string, init?: RequestInit) => Promise<Response>;
  /** Milliseconds of a clock that never goes backwards: the measure of all that the client decides. */
  now: () => number;
  /** The time of the device, read only for `serverTime` while no answer has told the server's. */
  deviceTime: () => number;
  /** Calls `run` once after that many milliseconds, unless the function that it returns is called before. */
  setTimer: (run: () => void, milliseconds: number) => () => void;
  /** Locks that the pages of one origin share; null if there are none. */
  locks: Pick<LockManager, "request"> | null;
  /** A channel between the pages of one origin; null if there is none. */
  openChannel: (name: string) => Channel | null;
  /** The page: it tells of being online, and of being left and shown again; null outside of a page. */
  page: Pick<EventTarget, "addEventListener" | "removeEventListener"> | null;
  /** The address of the page, against which a relative `baseUrl` is resolved; null outside of a page. */
  pageUrl: string | null;
}

/** A `BroadcastChannel`, or what stands in for one. */
export interface Channel {
  /** Tells the other pages. */
  postMessage(message: unknown): void;
  /** Leaves. */
  close(): void;
  /** Called with what another page tells. */
  onmessage: ((event: MessageEvent) => void) | null;
}

/** The environment of this runtime. */
export function currentEnvironment(): Environment {
  // Pages and workers have an address. Elsewhere there is no origin whose pages could share anything.
  const pageUrl = globalThis.location?.href ?? null;
  const isPage = pageUrl !== null;
  return {
    fetch: (input, init) => globalThis.fetch(input, init),
    now: () => performance.now(),
    deviceTime: () => Date.now(),
    setTimer(run, milliseconds) {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
    locks: (isPage && globalThis.navigator?.locks) || null,
    openChannel: (name) => (isPage && globalThis.BroadcastChannel ? new BroadcastChannel(name) : null),
    page: isPage && "addEventListener" in globalThis ? globalThis : null,
    pageUrl,
  };
}
