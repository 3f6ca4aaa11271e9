import { type Authenticate, authenticateUser, type Credentials } from "../auth";
import { type ErrorCode, HelloJohnError } from "../errors";
import { addon, callAsync, unwrap } from "../internal/native";
import type { NativeTenant } from "../internal/native_types";
import { createRequest } from "../sessions";
import { type CheckedRestOptions, type OnError, readRestOptions } from "./options";

/** The longest body that is read. One byte more tells the engine that there was more. */
export const BODY_MAX = addon.restBodyMax();

/** A request as it came. */
export interface RestRequest {
  method: string;
  /** Path and query, without the prefix. */
  target: string;
  /** Names and values in turn, not merged. */
  headers: string[];
  /** At most {@link BODY_MAX} bytes and one. */
  body: Uint8Array;
  address: string | null;
}

/** The engine's answer. */
export interface RestAnswer {
  status: number;
  /** Names and values in turn. */
  headers: string[];
  body: string;
  error: { code: ErrorCode; detail: string } | null;
}

interface Question {
  ticket: number;
  credentials: Record<string, unknown>;
}

/** The REST API with options of its own, not yet fitted to a server. It never throws: every failure is an answer. */
export class RestAdapter {
  readonly options: CheckedRestOptions;
  readonly #authenticate: Authenticate | null;

  constructor(tenant: NativeTenant, authenticate: Authenticate | null, options: unknown) {
    this.options = readRestOptions(tenant, options);
    this.#authenticate = authenticate;
  }

  /** Path and query behind the prefix; null for what is not under it. */
  target(url: string): string | null {
    // A proxy's client sends the whole address.
    const target = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
    const { prefix } = this.options;
    return prefix === "" || target.startsWith(`${prefix}/`) ? target.slice(prefix.length) : null;
  }

  /** Whether a request is for the API. */
  owns(url: string): boolean {
    const target = this.target(url);
    return target !== null && addon.isRestPath(target.split("?", 1)[0] ?? "");
  }

  /** Answers a request that `read` reads. */
  async answer(read: () => Promise<RestRequest>): Promise<RestAnswer> {
    const { rest, onError } = this.options;
    try {
      const request = await read();
      const { method, target, headers, body, address } = request;
      const step = await callAsync<RestAnswer | Question>(rest.begin(method, target, headers, body, address));
      if ("ticket" in step) return await this.#signIn(step, request);
      report(onError, step, null);
      return step;
    } catch (error) {
      return toErrorAnswer(error, onError);
    }
  }

  async #signIn({ ticket, credentials }: Question, request: RestRequest): Promise<RestAnswer> {
    const { rest, onError } = this.options;
    const authenticate = this.#authenticate;
    if (!authenticate) return callAsync(rest.finish(ticket, "not_offered", null));
    let word: "user" | "nobody" | "failed" = "user";
    let user: string | null = null;
    let failure: unknown = null;
    try {
      const presented = {
        ...credentials,
        userAgent: findHeader(request.headers, "user-agent"),
        ipAddress: request.address,
      };
      user = createRequest(await authenticateUser(authenticate, presented as unknown as Credentials));
    } catch (error) {
      const nobody = error instanceof HelloJohnError && error.code === "invalid_credentials";
      word = nobody ? "nobody" : "failed";
      failure = nobody ? null : error;
    }
    const answer = await callAsync<RestAnswer>(rest.finish(ticket, word, user));
    report(onError, answer, failure);
    return answer;
  }
}

/** The first value of a header. */
export function findHeader(headers: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === name) return headers[at + 1] ?? null;
  }
  return null;
}

/** The answer to a request that something else than the API refused or that failed on its way there. */
export function toErrorAnswer(error: unknown, onError: OnError | null): RestAnswer {
  const known = error instanceof HelloJohnError;
  const [code, detail] = known ? [error.code, error.detail] : ["internal", "the host's code failed"];
  const answer = unwrap<RestAnswer>(addon.errorAnswer(code, detail));
  report(onError, answer, error);
  return answer;
}

/** Tells the host what broke on its side. */
function report(onError: OnError | null, { status, headers, error }: RestAnswer, failure: unknown): void {
  if (status < 500 || !onError) return;
  const told =
    failure instanceof HelloJohnError
      ? failure
      : new HelloJohnError(error?.code ?? "internal", error?.detail ?? "", { cause: failure ?? undefined });
  // Its own failure has no place to go; the client still gets the answer.
  new Promise((settle) =>
    settle(onError(told, { requestId: findHeader(headers, "x-request-id") ?? "" })),
  ).catch(() => undefined);
}
