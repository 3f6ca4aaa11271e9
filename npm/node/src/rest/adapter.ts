import { type Authenticate, authenticateUser, type Credentials } from "../auth";
import { HelloJohnError } from "../errors";
import type { ErrorCode } from "../generated/types";
import { answerBudget } from "../internal/event_loop_budget";
import { addon, callAsyncForText, textOf } from "../internal/native";
import type { NativeTenant, SignInOutcome } from "../internal/native_types";
import { createRequest } from "../sessions";
import { type CheckedRestOptions, type OnError, readRestOptions } from "./options";

/** The longest body in bytes that the API accepts. Readers pass one byte more when a body is longer. */
export const BODY_MAX = addon.restBodyMax();

/** A request as it came. */
export interface RestRequest {
  method: string;
  /** Path and query, without the prefix. */
  target: string;
  /** Names and values in turn, not merged. */
  headers: string[];
  /** At most {@link BODY_MAX} + 1 bytes. */
  body: Uint8Array;
  address: string | null;
  /** What the framework has stripped from the target in front of the prefix, as far as the request tells. */
  stripped: string;
}

/** The engine's answer. */
export interface RestAnswer {
  status: number;
  /** Names and values in turn. */
  headers: string[];
  body: string;
  error: { code: ErrorCode; detail: string } | null;
}

/** The step of a sign-in in which the host checks the credentials. */
interface CredentialsCheck {
  ticket: number;
  credentials: Record<string, unknown>;
}

/**
 * The REST API with options of its own, before an adapter for one kind of server. `answer` never rejects: every failure is
 * an answer.
 */
export class RestAdapter {
  readonly options: CheckedRestOptions;
  readonly #authenticate: Authenticate | null;

  /** `isMounted`: whether the options tell the whole mount path, and not only each request does. */
  constructor(
    tenant: NativeTenant,
    authenticate: Authenticate | null,
    options: unknown,
    defaults: ReadonlyMap<string, unknown>,
    isMounted: boolean,
  ) {
    this.options = readRestOptions(tenant, options, defaults, isMounted);
    this.#authenticate = authenticate;
  }

  /** The path and query after the prefix; null for a path outside the prefix. */
  target(url: string): string | null {
    // A client of a proxy sends the whole URL, and so does a `Request`. A fragment is not part of a target.
    const target = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/#.*$/s, "");
    const { prefix } = this.options;
    return prefix === "" || target.startsWith(`${prefix}/`) ? target.slice(prefix.length) : null;
  }

  /** Whether a request is for the API. */
  owns(url: string): boolean {
    const target = this.target(url);
    return target !== null && this.options.rest.isApiPath(target.split("?", 1)[0] ?? "");
  }

  /** Answers the request that `readRequest` resolves to. */
  async answer(readRequest: () => Promise<RestRequest>): Promise<RestAnswer> {
    const { rest, prefix, mountPath, onError } = this.options;
    try {
      const request = await readRequest();
      const { method, target, headers, body, address, stripped } = request;
      while (answerBudget.isSpent) await answerBudget.renewed();
      const call = answerBudget.charge(() =>
        rest.begin(method, target, headers, body, address, mountPath + stripped + prefix),
      );
      const step = readStep(await callAsyncForText(call));
      if ("ticket" in step) return await this.#signIn(step, request);
      report(onError, step, null);
      return step;
    } catch (error) {
      return toErrorAnswer(error, onError);
    }
  }

  async #signIn({ ticket, credentials }: CredentialsCheck, request: RestRequest): Promise<RestAnswer> {
    const { rest, onError } = this.options;
    const authenticate = this.#authenticate;
    if (!authenticate) return readAnswer(rest.finish(ticket, "not_offered", null));
    let outcome: SignInOutcome = "user";
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
      const isRefused = error instanceof HelloJohnError && error.code === "invalid_credentials";
      outcome = isRefused ? "refused" : "failed";
      failure = isRefused ? null : error;
    }
    const answer = await readAnswer(rest.finish(ticket, outcome, user));
    report(onError, answer, failure);
    return answer;
  }
}

/** Reads what the addon answers: an answer is followed by its body. */
function readStep(text: string): RestAnswer | CredentialsCheck {
  const end = text.indexOf("\n");
  if (end < 0) return JSON.parse(text) as CredentialsCheck;
  return { ...(JSON.parse(text.slice(0, end)) as Omit<RestAnswer, "body">), body: text.slice(end + 1) };
}

async function readAnswer(call: number): Promise<RestAnswer> {
  return readStep(await callAsyncForText(call)) as RestAnswer;
}

/** The first value of a header. */
export function findHeader(headers: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === name) return headers[at + 1] ?? null;
  }
  return null;
}

/** The answer to a request that {@link AuthGuard} refused, or that failed before it reached the API. */
export function toErrorAnswer(error: unknown, onError: OnError | null): RestAnswer {
  const known = error instanceof HelloJohnError;
  const { code, detail, maxAge, factors } = known
    ? error
    : { code: "internal", detail: "the host's code failed", maxAge: null, factors: [] };
  const answer = readStep(textOf(addon.errorAnswer(code, detail, maxAge, [...factors]))) as RestAnswer;
  report(onError, answer, error);
  return answer;
}

/** Calls the host's `onError` for an answer of 500 and above. */
function report(onError: OnError | null, { status, headers, error }: RestAnswer, failure: unknown): void {
  if (status < 500 || !onError) return;
  const reported =
    failure instanceof HelloJohnError
      ? failure
      : new HelloJohnError(error?.code ?? "internal", error?.detail ?? "", { cause: failure ?? undefined });
  // A failure of `onError` itself is ignored; the client still gets the answer.
  new Promise((settle) =>
    settle(onError(reported, { requestId: findHeader(headers, "x-request-id") ?? "" })),
  ).catch(() => undefined);
}
