import type { Environment } from "./environment.js";
import { HelloJohnError, isTransient, readError } from "./errors.js";

/** What a sign-in and a refresh answer. The refresh token is absent where it travels in a cookie. */
export interface Grant {
  access_token: string;
  refresh_token?: string;
  /** Seconds from now. */
  expires_in: number;
  session_id: string;
}

/** A request without an answer ends after that many milliseconds. */
const ANSWER_WITHIN = 30_000;

/**
 * The same for a refresh. If its answer is lost, the repetition must reach the server while the server still takes the
 * former refresh token for a repetition, by default 10 s after the first; later it would look like a stolen one.
 */
const GRANT_WITHIN = 8_000;
const REPEAT_WITHIN = 8_500;
const PAUSES = [250, 1_000];

/** The REST API below `baseUrl`. */
export class Api {
  constructor(
    private readonly environment: Environment,
    private readonly baseUrl: string,
    private readonly credentials: RequestCredentials,
  ) {}

  url(path: string): URL {
    return resolve(this.baseUrl.replace(/\/+$/, "") + path, this.environment.pageUrl);
  }

  /** Sends JSON; the answer's JSON, or a `HelloJohnError`. */
  async post<T>(path: string, body: object, token?: string | null, answerWithin = ANSWER_WITHIN): Promise<T> {
    const { environment } = this;
    const url = this.url(path);
    const timeout = new AbortController();
    const cancel = environment.setTimer(() => timeout.abort(), answerWithin);
    try {
      const response = await environment.fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        },
        body: JSON.stringify(body),
        credentials: this.credentials,
        cache: "no-store",
        // The browser keeps the cookie of the answer although the page is left meanwhile.
        keepalive: true,
        signal: timeout.signal,
      });
      if (!response.ok) throw await readError(response);
      return response.status === 204 ? (undefined as T) : await readJson<T>(response);
    } catch (error) {
      throw error instanceof HelloJohnError ? error : lostAnswer(error);
    } finally {
      cancel();
    }
  }

  /** Exchanges the refresh token of the cookie, or this one. Repeats by itself what may have been a lost answer. */
  async refresh(refreshToken: string | null): Promise<Grant> {
    const { now, setTimer } = this.environment;
    const repeatUntil = now() + REPEAT_WITHIN;
    const body = refreshToken ? { refresh_token: refreshToken } : {};
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.post<Grant>("/v1/auth/token/refresh", body, null, GRANT_WITHIN);
      } catch (error) {
        const pause = PAUSES[attempt];
        if (!isTransient(error) || pause === undefined || now() + pause > repeatUntil) throw error;
        await new Promise<void>((settle) => setTimer(settle, pause));
      }
    }
  }
}

/** The error for an answer that never came. */
export function lostAnswer(cause: unknown): HelloJohnError {
  return new HelloJohnError("network_error", "no answer came", { cause });
}

/** The JSON of a good answer. */
export async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HelloJohnError("unexpected_answer", "the answer is not JSON", {
      status: response.status,
      cause,
    });
  }
}

/** An absolute address. */
export function resolve(address: string, base: string | null): URL {
  try {
    return new URL(address, base ?? undefined);
  } catch (cause) {
    throw new HelloJohnError("validation_error", `${address} is not an absolute address`, { cause });
  }
}
