import { HelloJohnError, validationError } from "./errors";
import type { CreateSessionOptions } from "./generated/types";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readRequiredMembers } from "./internal/validate";
import { type SessionGrant, toGrant, type WireGrant } from "./session";
import { CREATE_FIELDS, createRequest } from "./sessions";

/** The answer of the addon to a step of a sign-in that was refused. */
interface Refused {
  refused: { code: "invalid_credentials" | "too_many_requests"; detail: string; retry_after: number | null };
}

function toRefusal({ refused }: Refused): HelloJohnError {
  return new HelloJohnError(refused.code, refused.detail, { retryAfter: refused.retry_after });
}

/** @internal */
export async function beginAttempt(
  tenant: NativeTenant,
  account: string,
  address: string | null,
): Promise<SignInAttempt> {
  const answer = await callAsync<{ attempt: string } | Refused>(tenant.beginSignIn(account, address));
  if ("refused" in answer) throw toRefusal(answer);
  return new SignInAttempt(tenant, answer.attempt);
}

/** @internal */
export const succeedWith: unique symbol = Symbol("succeedWith");

/** A sign-in whose credentials the host is about to check. Give it one outcome; it counts as failed until then. */
export class SignInAttempt {
  readonly #tenant: NativeTenant;
  #attempt: string | null;

  /** @internal */
  constructor(tenant: NativeTenant, attempt: string) {
    this.#tenant = tenant;
    this.#attempt = attempt;
  }

  /**
   * The credentials were right: creates the session as `hj.sessions.create` does. In the same transaction the failures of the
   * account from this address are forgotten.
   *
   * @throws HelloJohnError `too_many_requests` if the account was at its limit and the user has had no session from this address: the
   * client must not learn that its guess was right. Also `validation_error`.
   *
   * @example
   * ```js
   * const { accessToken, refreshToken } = await attempt.succeed({ userId: user.id, ipAddress });
   * ```
   */
  async succeed(options: CreateSessionOptions): Promise<SessionGrant> {
    return this[succeedWith](readRequiredMembers("options", options, CREATE_FIELDS));
  }

  /** @internal */
  async [succeedWith](fields: Map<string, unknown>): Promise<SessionGrant> {
    const request = createRequest(fields);
    const answer = await callAsync<WireGrant | Refused>(this.#tenant.succeedSignIn(this.#take(), request));
    if ("refused" in answer) throw toRefusal(answer);
    return toGrant(answer);
  }

  /**
   * The credentials were wrong: the failure stays counted. Resolves to the error for the client: `invalid_credentials`, or
   * `too_many_requests` if right ones would have been refused too.
   *
   * @example
   * ```js
   * throw await attempt.fail();
   * ```
   */
  async fail(): Promise<HelloJohnError> {
    return toRefusal(await callAsync<Refused>(this.#tenant.failSignIn(this.#take())));
  }

  /**
   * The host could not tell: the sign-in counts as if it had not been tried.
   *
   * @example
   * ```js
   * await attempt.cancel(); // the user database did not answer
   * ```
   */
  async cancel(): Promise<void> {
    await callAsync(this.#tenant.cancelSignIn(this.#take()));
  }

  #take(): string {
    const attempt = this.#attempt;
    if (attempt === null) throw validationError("attempt", "has its outcome already");
    this.#attempt = null;
    return attempt;
  }
}
