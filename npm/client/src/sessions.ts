import { lostAnswer, readJson } from "./api.js";
import { HelloJohnError, readError } from "./errors.js";
import type { Session, SessionStatus } from "./generated/types.js";

/** Which of the own sessions. */
export interface ListOptions {
  /** Default `active`. */
  status?: SessionStatus | "all";
  /** 1 to 100; default 20. */
  limit?: number;
  /** `pagination.next_cursor` of the page before. */
  cursor?: string;
}

/** A page of the user's sessions, newest sign-in first, as REST answers it. */
export interface SessionPage {
  /** The sessions; one of them has `current`. */
  data: Session[];
  /** `next_cursor` is null on the last page, which alone has no `has_more`. */
  pagination: { limit: number; has_more: boolean; next_cursor: string | null };
}

/** The sessions of the user who is signed in: one for each device or browser. */
export interface Sessions {
  /**
   * A page of the user's sessions; active ones by default.
   *
   * @example
   * ```js
   * const { data, pagination } = await client.sessions.list({ limit: 100 });
   * ```
   */
  list(options?: ListOptions): Promise<SessionPage>;
  /**
   * Ends a session. If it is this one, this is `signOut()`. An unknown id is `session_not_found`.
   *
   * @example
   * ```js
   * await client.sessions.revoke(session.id);
   * ```
   */
  revoke(id: string): Promise<void>;
  /**
   * Ends all sessions of the user but this one.
   *
   * @example
   * ```js
   * const { revoked } = await client.sessions.revokeOthers();
   * ```
   */
  revokeOthers(): Promise<{ revoked: number }>;
}

/** Calls the API with the access token: a path and its query. */
export type CallApi = (path: string, init?: RequestInit) => Promise<Response>;

export function createSessions(
  callApi: CallApi,
  isCurrent: (id: string) => boolean,
  signOut: () => Promise<void>,
): Sessions {
  async function call(path: string, init?: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await callApi(`/v1/sessions${path}`, { ...init, cache: "no-store" });
    } catch (error) {
      throw error instanceof HelloJohnError ? error : lostAnswer(error);
    }
    if (!response.ok) throw await readError(response);
    return response;
  }
  return {
    async list(options = {}) {
      const given = Object.entries(options).filter(([, value]) => value !== undefined);
      const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
      return readJson(await call(given.length > 0 ? `?${query}` : ""));
    },
    async revoke(id) {
      if (isCurrent(id)) return signOut();
      await call(`/${encodeURIComponent(id)}`, { method: "DELETE" });
    },
    async revokeOthers() {
      return readJson(await call("?except=current", { method: "DELETE" }));
    },
  };
}
