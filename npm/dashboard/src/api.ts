/** A session as REST shows it. */
export interface Session {
  id: string;
  user_id: string;
  status: "active" | "expired" | "revoked";
  user_agent: string | null;
  ip_address: string | null;
  last_ip_address: string | null;
  country: string | null;
  device_type: "desktop" | "mobile" | "tablet" | "bot" | "unknown";
  device_fingerprint: string | null;
  created_at: string;
  last_active_at: string;
  expires_at: string;
  access_expires_at: string;
  revoked_at: string | null;
  end_reason: string | null;
  org_id: string | null;
  role: string | null;
  email: string | null;
  mfa_verified: boolean;
  /** Who acts for the user, if another person does. */
  actor: { user_id: string; reason: string } | null;
}

export interface Page<T> {
  data: T[];
  pagination: { has_more: boolean; next_cursor: string | null };
}

export interface Explanation {
  explained_at: string;
  status: string;
  end_reason: string | null;
  ended_at: string | null;
  ends_by: string | null;
  ends_at: string | null;
  duration_ends_at: string | null;
  idle_timeout_ends_at: string | null;
  access_token_ends_at: string;
  rank: number | null;
  active_sessions: number | null;
  max_sessions_per_user: number | null;
  evicted_by_sign_in: number | null;
  live_token: string;
  live_token_until: string | null;
  former_token: string | null;
  former_token_until: string | null;
  older_token: string | null;
}

export interface Settings {
  session_duration: string;
  access_token_ttl: string;
  idle_timeout: string | null;
  max_sessions_per_user: number | null;
  refresh_reuse_window: string;
  event_retention: string | null;
  record_retention: string | null;
  revocation_list: boolean;
  max_actor_duration: string;
  warnings?: string[];
}

export interface Period {
  begins_at: string;
  ends_at: string;
  created: number;
  active: number;
  ended: number;
  [ended: `ended_${string}`]: number;
}

export interface Stats {
  sessions: { active: number; expired: number; revoked: number };
  created_last_24h: number;
  database_bytes: number;
  log_bytes: number;
  oldest_unswept_at: string | null;
  clock_ahead_ms: number;
  newest_event: number;
  newest_sealed_event: number;
  series?: Period[];
}

export interface Key {
  kid: string;
  state: "next" | "active" | "retiring" | "retired";
  created_at: string;
  activated_at: string | null;
  retiring_at: string | null;
  leaves_at: string | null;
}

export interface Event {
  seq: number;
  type: string;
  at: string;
  session_id: string | null;
  user_id: string | null;
  actor: string | null;
  data: Record<string, unknown>;
  /** Null until it is sealed. */
  hash: string | null;
}

export interface EventPage {
  data: Event[];
  pagination: { has_more: boolean; next_after: number };
}

export interface Preview {
  count: number;
  sample: Session[];
  plan: string;
}

/** An answer that is an error, or none at all (`network_error`). */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly requestId: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

export interface Ask {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  /** Who makes the change, for the log. */
  actor?: string;
  signal?: AbortSignal;
}

/** The API beside the folder of the pages, wherever it is mounted. */
const ROOT = new URL("../", document.baseURI);

export const JWKS_ADDRESS = new URL(".well-known/jwks.json", ROOT).href;

export async function readPageConfig(): Promise<{ tenant_id: string; issuer: string; version: string }> {
  return (await fetch(new URL("dashboard/config.json", ROOT))).json();
}

/** Requests with the tenant's secret key, which is in this closure only. */
export function createApi(secretKey: string) {
  return async function ask<T>(
    path: string,
    { method = "GET", query, body, actor, signal }: Ask = {},
  ): Promise<T> {
    const url = new URL(path, ROOT);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const headers: Record<string, string> = { authorization: `Bearer ${secretKey}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (actor) headers["x-actor"] = encodeURIComponent(actor);
    let response: Response;
    let answer: unknown;
    try {
      response = await fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
        credentials: "omit",
        cache: "no-store",
      });
      const text = await response.text();
      answer = text === "" ? null : JSON.parse(text);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError("network_error", "No answer.");
    }
    if (response.ok) return answer as T;
    const { code, message, request_id } = (
      answer as { error: { code: string; message: string; request_id: string } }
    ).error;
    const retryAfter = Number(response.headers.get("retry-after")) || null;
    throw new ApiError(code, message, request_id, retryAfter);
  };
}

export type Api = ReturnType<typeof createApi>;

/** What an operator reads of a failure. */
export function describeError(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something failed in this page. Reload it.";
  switch (error.code) {
    case "invalid_api_key":
      return "This secret key does not open this tenant.";
    case "too_many_requests":
      return `Too many calls. Try again in ${error.retryAfter ?? 1} s.`;
    case "session_not_found":
    case "not_found":
      return "No such session or key. It may have been deleted, or belong to another tenant.";
    case "insufficient_permissions":
    case "tenant_mismatch":
      return "This key may not do that here.";
    case "storage_busy":
      return "The database is busy. Nothing was changed.";
    case "engine_closed":
    case "forked":
      return "The engine is closed. Nothing was changed.";
    case "storage_full":
      return "The disk is full. Nothing was changed.";
    case "clock_jump":
      return "The clock jumped ahead. Calls wait until it is right.";
    case "network_error":
      return "No answer. The server may be down, or you may be offline.";
    case "internal":
    case "storage_io":
    case "storage_corrupt":
    case "storage_read_only":
    case "storage_too_new":
      return `Something failed on the server (${error.code}). Its log knows the request by its id.`;
    default:
      return error.message;
  }
}
