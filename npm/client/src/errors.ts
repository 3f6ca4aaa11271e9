import type { ErrorCode } from "./generated/types.js";

/**
 * Why a call failed before the API answered, or after it answered with something else.
 *
 * - `network_error`: No answer came: the device is offline, the server is down, or the time for an answer ran out.
 * - `unexpected_answer`: An answer came, but not one of the API: a proxy's page of error, say.
 * - `untrusted_origin`: `client.fetch` was given an address that may not see the access token.
 */
export type ClientErrorCode = "network_error" | "unexpected_answer" | "untrusted_origin";

/** What else an error knows. */
export interface ErrorDetails {
  /** The HTTP status; null if no answer came. */
  status?: number | null;
  /** The id of the request, by which the host finds the failure in its log. */
  requestId?: string | null;
  /** After how many seconds to try again. */
  retryAfter?: number | null;
  /** What was thrown, for a developer. */
  cause?: unknown;
}

/** A call that failed. `code` says why; `message` is a line for a developer, not for the person who uses the page. */
export class HelloJohnError extends Error {
  /** Why; branch on it. */
  readonly code: ErrorCode | ClientErrorCode;
  /** The HTTP status; null if no answer came. */
  readonly status: number | null;
  /** The id of the request, by which the host finds the failure in its log. */
  readonly requestId: string | null;
  /** After how many seconds to try again, or null. */
  readonly retryAfter: number | null;

  /** An error of this code; the client makes them. */
  constructor(code: ErrorCode | ClientErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "HelloJohnError";
    this.code = code;
    this.status = details.status ?? null;
    this.requestId = details.requestId ?? null;
    this.retryAfter = details.retryAfter ?? null;
  }
}

/** The error that an answer other than 2xx stands for. */
export async function readError(response: Response): Promise<HelloJohnError> {
  const { status } = response;
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const details = { status, retryAfter: Number.isFinite(after) ? after : null };
  try {
    const { error } = await response.json();
    if (typeof error.code === "string" && typeof error.message === "string") {
      return new HelloJohnError(error.code, error.message, { ...details, requestId: error.request_id });
    }
  } catch {
    // Not JSON, or not an error of the API.
  }
  return new HelloJohnError("unexpected_answer", `the answer ${status} is not one of the API`, details);
}

/** Whether the same request may succeed in a moment: no answer came, or the server could not give one. */
export function isTransient(error: unknown): boolean {
  return error instanceof HelloJohnError && (error.code === "network_error" || (error.status ?? 0) >= 500);
}
