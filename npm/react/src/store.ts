import type { Client, Credentials, HelloJohnError, Session, State, User } from "@hellojohn/client";

/** A user with more devices than this sees the newest. */
const PAGES = 10;
const PAGE = 100;

/** What components see. */
export interface Snapshot extends State {
  /** The user's sessions, newest sign-in first; empty until they are loaded. `current` marks this device's. */
  readonly sessions: readonly Session[];
  /** Whether `sessions` is the server's answer. */
  readonly hasSessions: boolean;
}

/** Nothing is known of the user while a server renders; the browser starts from the same. */
const ON_SERVER: Snapshot = { status: "loading", user: null, error: null, sessions: [], hasSessions: false };

interface Loaded {
  /** The session of the user who asked. */
  by: string;
  sessions: readonly Session[];
}

/** The client's state and the user's sessions, for `useSyncExternalStore`. */
export class SessionStore {
  readonly client: Client;
  #listeners = new Set<() => void>();
  #leave: (() => void) | null = null;
  #areWanted = false;
  #loading: Promise<void> | null = null;
  #loaded: Loaded | null = null;
  #failure: HelloJohnError | null = null;
  #snapshot = ON_SERVER;

  constructor(client: Client) {
    this.client = client;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#leave ??= this.#enter();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#leave?.();
      this.#leave = null;
    };
  };

  getSnapshot = (): Snapshot => {
    const { status, user, error } = this.client.state;
    const isOwn = user !== null && this.#loaded?.by === user.session_id;
    const next: Snapshot = {
      status,
      user,
      error: error ?? (user && this.#failure),
      sessions: isOwn && this.#loaded ? this.#loaded.sessions : ON_SERVER.sessions,
      hasSessions: isOwn,
    };
    const names = Object.keys(next) as (keyof Snapshot)[];
    if (names.some((name) => next[name] !== this.#snapshot[name])) this.#snapshot = next;
    return this.#snapshot;
  };

  getServerSnapshot = (): Snapshot => ON_SERVER;

  /** Loads the sessions from now on. Nothing asks for them before a component reads them. */
  wantSessions(): void {
    if (this.#areWanted) return;
    this.#areWanted = true;
    this.#loadMissing();
  }

  signIn = (credentials: Credentials): Promise<User> => this.client.signIn(credentials);

  signOut = (options?: { scope?: "local" | "global" }): Promise<void> => this.client.signOut(options);

  refresh = async (): Promise<void> => {
    await this.client.refreshTokens();
    await this.reload();
  };

  revokeSession = async (id: string): Promise<void> => {
    try {
      await this.client.sessions.revoke(id);
    } catch (error) {
      // It has ended already and was deleted: what was asked for is the case.
      if ((error as HelloJohnError).code !== "session_not_found") throw error;
    }
    this.#keep((session) => session.id !== id);
  };

  revokeOtherSessions = async (): Promise<{ revoked: number }> => {
    const answer = await this.client.sessions.revokeOthers();
    this.#keep((session) => session.current);
    return answer;
  };

  /** Loads the sessions again if they are wanted. Does not reject: what goes wrong is in the snapshot. */
  reload = async (): Promise<void> => {
    if (!this.#areWanted || this.client.state.status !== "signed_in") return;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    await this.#loading;
    this.#loadMissing();
  };

  #enter(): () => void {
    const leave = this.client.onChange(() => {
      this.#notify();
      this.#loadMissing();
    });
    this.#loadMissing();
    if (typeof document === "undefined") return leave; // React Native
    // Another device may have signed this one out, or have come, while the user looked elsewhere.
    const onShown = () => {
      if (document.visibilityState === "visible") void this.reload();
    };
    addEventListener("focus", onShown);
    addEventListener("online", onShown);
    document.addEventListener("visibilitychange", onShown);
    return () => {
      leave();
      removeEventListener("focus", onShown);
      removeEventListener("online", onShown);
      document.removeEventListener("visibilitychange", onShown);
    };
  }

  #loadMissing(): void {
    const by = this.client.user?.session_id;
    if (by && this.#loaded?.by !== by && !this.#loading && !this.#failure) void this.reload();
    if (!by) this.#failure = null;
  }

  async #load(): Promise<void> {
    const { client } = this;
    const by = client.user?.session_id ?? "";
    try {
      const sessions: Session[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < PAGES; page += 1) {
        const answer = await client.sessions.list({ limit: PAGE, ...(cursor ? { cursor } : {}) });
        sessions.push(...answer.data);
        cursor = answer.pagination.next_cursor;
        if (cursor === null) break;
      }
      this.#loaded = { by, sessions };
      this.#failure = null;
    } catch (error) {
      this.#failure = error as HelloJohnError;
    }
    this.#notify();
  }

  #keep(isKept: (session: Session) => boolean): void {
    if (this.#loaded) this.#loaded = { ...this.#loaded, sessions: this.#loaded.sessions.filter(isKept) };
    this.#notify();
    void this.reload();
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
