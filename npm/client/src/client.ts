import { Api, type Grant, resolve } from "./api.js";
import { type Channel, currentEnvironment, type Environment } from "./environment.js";
import { type ClientErrorCode, HelloJohnError } from "./errors.js";
import type { ErrorCode } from "./generated/types.js";
import { createSessions, type Sessions } from "./sessions.js";
import type { State } from "./state.js";
import { createTurns } from "./turns.js";
import { readClaims, toUser, type User } from "./user.js";

/** `fetch`, as browsers and Node have it. */
export type Fetch = (input: Request | URL | string, init?: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Where the REST API is mounted: `https://auth.example.com`, or a path of the page's own origin such as `/api`. */
  baseUrl: string | URL;
  /**
   * Whether the server keeps the refresh token in a cookie that no script reads; default true. Then all tabs have one
   * session, and it outlives a reload. False is for runtimes without cookies: the refresh token stays in memory, and each
   * client has a session of its own.
   */
  cookie?: boolean;
  /** Further origins, such as `https://api.example.com`, to which `client.fetch` sends the access token. */
  trustedOrigins?: readonly string[];
  /** Where there are no cookies: the refresh token that `onRefreshToken` was given before the program ended. */
  refreshToken?: string | null;
  /**
   * Is told each refresh token, and null when the session has ended. For a phone's keychain, where there are no cookies;
   * never for `localStorage`.
   */
  onRefreshToken?: (token: string | null) => void;
  /** What stands in for parts of the runtime. */
  environment?: Partial<Environment>;
}

/** A user's session in this page or program. */
export interface Client {
  /** What is known of the session. */
  readonly state: State;
  /** The user who is signed in, else null. */
  readonly user: User | null;
  /** The user's sessions on all devices. */
  readonly sessions: Sessions;
  /**
   * Signs in. Members beside `email` and `password`, such as a one-time code, reach the host's `authenticate`.
   * @throws HelloJohnError `invalid_credentials`; `too_many_requests` with `retryAfter`; `validation_error`
   *
   * @example
   * ```js
   * const { userId } = await client.signIn({ email, password, session_options: { duration: "30d" } });
   * ```
   */
  signIn(credentials: Credentials): Promise<User>;
  /**
   * Signs out here, in all tabs; with the scope `global` on all devices. Without an answer the session goes on.
   *
   * @example
   * ```js
   * await client.signOut({ scope: "global" }); // on all devices
   * ```
   */
  signOut(options?: { scope?: "local" | "global" }): Promise<void>;
  /**
   * The access token that is in memory, or null. It may have expired: `fetch` takes care of that.
   *
   * @example
   * ```js
   * socket.send(JSON.stringify({ token: client.getAccessToken() }));
   * ```
   */
  getAccessToken(): string | null;
  /**
   * Gets a new access token and resolves to it. Calls at the same time, in other tabs too, share one request.
   * @throws HelloJohnError `session_expired`, `session_revoked`, …: the user must sign in; `network_error`: try later
   *
   * @example
   * ```js
   * const accessToken = await client.refreshTokens();
   * ```
   */
  refreshTokens(): Promise<string>;
  /**
   * `fetch` with the access token, which is refreshed before it expires. An answer of 401 leads to one refresh and one
   * repetition, unless the body is a stream. The address must be of the API's origin, of the page's, or a trusted one.
   * Signed out, the request is sent without a token.
   * @throws HelloJohnError `untrusted_origin`; what `refreshTokens` throws. Else as `fetch` does.
   */
  fetch: Fetch;
  /**
   * Calls the listener after each change of `state`. Returns the function that ends that.
   *
   * @example
   * ```js
   * const leave = client.onChange(({ status }) => render(status));
   * ```
   */
  onChange(listener: (state: State) => void): () => void;
  /**
   * The server's time in milliseconds since 1970, as far as known; for display beside its times.
   *
   * @example
   * ```js
   * const isNew = client.serverTime() - Date.parse(session.created_at) < 86_400_000;
   * ```
   */
  serverTime(): number;
  /**
   * Lets go of the page's events and of the other tabs. The next use takes them up again.
   *
   * @example
   * ```js
   * client.close();
   * ```
   */
  close(): void;
}

/** What a user gives to sign in; the host's own check gets all of it. */
export interface Credentials {
  /** The name of the account, such as an e-mail address. */
  email: string;
  /** The password, as it was typed. */
  password: string;
  /** `duration`: how long the session lasts, such as `"30d"` or seconds, as far as the host allows. */
  session_options?: { duration?: string | number };
  /** Whatever else the host's check needs, such as a one-time code. */
  [other: string]: unknown;
}

/** What the pages of one origin tell each other. */
type Message =
  | { grant: Grant }
  | { ended: { code: ErrorCode | ClientErrorCode; message: string; status: number | null } | null };

/** How long a page waits for the token that another page has just got, in milliseconds. */
const SHARED_WITHIN = 1_000;

/** A token is refreshed so many milliseconds before it expires, at most a tenth of its life. */
const REFRESH_BEFORE = 10_000;

interface HeldToken {
  text: string;
  expiresAt: number;
  receivedAt: number;
  /** By the server's clock. */
  issuedAt: number;
}

/**
 * Makes a client. It does nothing before its first use, so that it can be made on a server too.
 *
 * @example
 * ```js
 * const client = createClient({ baseUrl: "/auth" });
 * const response = await client.fetch("/api/orders");
 * ```
 */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, cookie = true, trustedOrigins = [], onRefreshToken } = options;
  if (!baseUrl) throw new HelloJohnError("validation_error", "baseUrl is required");
  const environment: Environment = { ...currentEnvironment(), ...options.environment };
  const api = new Api(environment, String(baseUrl), cookie ? "include" : "omit");
  // Only pages that have a cookie in common have a session in common.
  const sharedName = cookie && environment.pageUrl !== null ? `hellojohn/1:${api.url("")}` : null;
  const takeTurn = createTurns(environment, sharedName);
  const listeners = new Set<(state: State) => void>();

  let state: State = {
    status: cookie || options.refreshToken ? "loading" : "signed_out",
    user: null,
    error: null,
  };
  let held: HeldToken | null = null;
  let refreshToken = options.refreshToken ?? null;
  /** Counts tokens and ends: a renewal that finds another number than at its start has nothing left to do. */
  let version = 0;
  let renewal: Promise<string> | null = null;
  let endedSession: string | null = null;
  let wake = () => {};
  let isStarted = false;
  let channel: Channel | null = null;

  function publish(change: Partial<State>): void {
    const next = { ...state, ...change };
    if (next.status === state.status && next.user === state.user && next.error === state.error) return;
    state = next;
    for (const listener of [...listeners]) {
      try {
        listener(state);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  function keepRefreshToken(token: string | null): void {
    if (token !== refreshToken) onRefreshToken?.(token);
    refreshToken = token;
  }

  function adopt(grant: Grant): void {
    let claims: ReturnType<typeof readClaims>;
    try {
      claims = readClaims(grant.access_token);
    } catch (cause) {
      throw new HelloJohnError("unexpected_answer", "the answer has no access token", { cause });
    }
    const receivedAt = environment.now();
    const expiresAt = receivedAt + grant.expires_in * 1000;
    held = { text: grant.access_token, expiresAt, receivedAt, issuedAt: claims.iat * 1000 };
    if (grant.refresh_token) keepRefreshToken(grant.refresh_token);
    version += 1;
    const user = toUser(claims);
    const isSame = JSON.stringify(user) === JSON.stringify(state.user);
    publish({ status: "signed_in", user: isSame ? state.user : user, error: null });
    wake();
  }

  function end(error: HelloJohnError | null): void {
    endedSession = state.user?.session_id ?? endedSession;
    held = null;
    keepRefreshToken(null);
    version += 1;
    publish({ status: "signed_out", user: null, error });
    wake();
  }

  function tell(message: Message): void {
    channel?.postMessage(message);
  }

  function hear({ data }: { data: Message }): void {
    if ("grant" in data) {
      // A refresh that was under way when the session ended says nothing new.
      if (data.grant.session_id !== endedSession) adopt(data.grant);
    } else {
      const { ended } = data;
      end(ended && new HelloJohnError(ended.code, ended.message, ended));
    }
  }

  function openChannel(): void {
    try {
      channel = sharedName === null ? null : environment.openChannel(sharedName);
      if (channel) channel.onmessage = hear;
    } catch {
      // Storage is blocked, and channels with it.
    }
  }

  function closeChannel(): void {
    channel?.close();
    channel = null;
  }

  function resume(): void {
    refreshTokens().catch(() => {});
  }

  function onOnline(): void {
    if (state.error?.code === "network_error") resume();
  }

  /** A page that is shown again as it was left: the user may have signed out meanwhile. */
  function onPageShow(event: Event): void {
    if (!(event as PageTransitionEvent).persisted) return;
    openChannel();
    if (!cookie) return;
    held = null;
    publish({ status: "loading", user: null, error: null });
    resume();
  }

  const events: [string, (event: Event) => void][] = [
    ["online", onOnline],
    ["pageshow", onPageShow],
    // With an open channel the browser would not keep the page.
    ["pagehide", closeChannel],
  ];

  function start(): void {
    if (isStarted) return;
    isStarted = true;
    openChannel();
    for (const [name, listener] of events) environment.page?.addEventListener(name, listener);
    if (state.status === "loading") resume();
  }

  function refreshTokens(): Promise<string> {
    start();
    const seen = version;
    renewal ??= takeTurn((hadToWait) => renew(seen, hadToWait)).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  async function renew(seen: number, hadToWait: boolean): Promise<string> {
    if (hadToWait && version === seen && channel) await waitForChange();
    if (version !== seen) return readHeld();
    try {
      if (!cookie && !refreshToken) throw signedOut();
      const grant = await api.refresh(refreshToken);
      adopt(grant);
      tell({ grant });
      return grant.access_token;
    } catch (error) {
      if (error instanceof HelloJohnError) fail(error);
      throw error;
    }
  }

  function readHeld(): string {
    if (held) return held.text;
    throw state.error ?? signedOut();
  }

  function waitForChange(): Promise<void> {
    return new Promise((settle) => {
      const cancel = environment.setTimer(settle, SHARED_WITHIN);
      wake = () => {
        cancel();
        settle();
      };
    });
  }

  function fail(error: HelloJohnError): void {
    const { code, message, status } = error;
    const isLoading = state.status === "loading";
    if (code === "missing_token" && state.status !== "signed_in") end(null);
    else if (status === 401) {
      end(error);
      tell({ ended: { code, message, status } });
    } else if (isLoading && status !== null && status < 500 && status !== 429) end(error);
    else publish({ error });
  }

  /** The token for a request; null if the user is signed out. */
  async function readFreshToken(): Promise<string | null> {
    if (held) {
      const life = held.expiresAt - held.receivedAt;
      if (environment.now() < held.expiresAt - Math.min(REFRESH_BEFORE, life / 10)) return held.text;
    }
    if (state.status === "signed_out") return null;
    const isLoading = state.status === "loading";
    try {
      return await refreshTokens();
    } catch (error) {
      if (isLoading && (state as State).status === "signed_out") return null;
      throw error;
    }
  }

  async function authorizedFetch(input: Request | URL | string, init: RequestInit = {}): Promise<Response> {
    start();
    const isRequest = input instanceof Request;
    const url = resolve(isRequest ? input.url : String(input), environment.pageUrl);
    const trusted = [api.url("/").href, environment.pageUrl, ...trustedOrigins];
    const isTrusted = trusted.some((address) => address && resolve(address, null).origin === url.origin);
    if (!isTrusted || url.origin === "null") {
      throw new HelloJohnError("untrusted_origin", `${url.origin} is not in trustedOrigins`);
    }
    const send = (target: Request | URL, token: string | null) => {
      const headers = new Headers(init.headers ?? (isRequest ? input.headers : {}));
      if (token !== null) headers.set("authorization", `Bearer ${token}`);
      return environment.fetch(target, { ...init, headers });
    };
    const token = await readFreshToken();
    const userId = state.user?.id;
    const isStream = typeof ReadableStream === "function" && init.body instanceof ReadableStream;
    const repetition = isRequest && !isStream ? input.clone() : url;
    const response = await send(isRequest ? input : url, token);
    if (response.status !== 401 || token === null) return response;
    if (state.status === "signed_out" || (held && held.text !== token)) readHeld();
    else await refreshTokens();
    // What one user asked for is not repeated in the name of another, who has signed in meanwhile.
    if (isStream || state.user?.id !== userId) return response;
    await response.body?.cancel();
    return send(repetition, readHeld());
  }

  function signIn(credentials: Credentials): Promise<User> {
    start();
    return takeTurn(async () => {
      const grant = await api.post<Grant>("/v1/auth/sign-in", credentials);
      adopt(grant);
      tell({ grant });
      return state.user as User;
    });
  }

  function signOut({ scope = "local" }: { scope?: "local" | "global" } = {}): Promise<void> {
    start();
    return takeTurn(async () => {
      const body = refreshToken ? { scope, refresh_token: refreshToken } : { scope };
      try {
        await api.post("/v1/auth/sign-out", body, held?.text);
      } catch (error) {
        // A session that had ended already is signed out too.
        if (!(error instanceof HelloJohnError && error.status === 401)) throw error;
      }
      end(null);
      tell({ ended: null });
    });
  }

  return {
    get state() {
      return state;
    },
    get user() {
      return state.user;
    },
    sessions: createSessions(
      (path, init) => authorizedFetch(api.url(path), init),
      (id) => id === state.user?.session_id,
      signOut,
    ),
    signIn,
    signOut,
    getAccessToken: () => held?.text ?? null,
    refreshTokens,
    fetch: authorizedFetch,
    onChange(listener) {
      // A function of its own, so that one listener may be given twice.
      const added = (next: State) => listener(next);
      listeners.add(added);
      start();
      return () => listeners.delete(added);
    },
    serverTime: () =>
      held ? held.issuedAt + Math.max(0, environment.now() - held.receivedAt) : environment.deviceTime(),
    close() {
      isStarted = false;
      closeChannel();
      for (const [name, listener] of events) environment.page?.removeEventListener(name, listener);
    },
  };
}

function signedOut(): HelloJohnError {
  return new HelloJohnError("missing_token", "the user is signed out", { status: 401 });
}
