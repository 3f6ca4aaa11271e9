import { HelloJohnError, validationError } from "./errors";
import type { CreateSessionOptions, Session } from "./generated/types";
import type { SignOutScope } from "./generated/wire";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import {
  copyJson,
  readMembers,
  readOptionalText,
  readProperty,
  readRequiredMembers,
  readText,
  readToken,
} from "./internal/validate";
import type { SessionGrant } from "./session";
import { CREATE_FIELDS } from "./sessions";
import { beginAttempt, type SignInAttempt, succeedWith } from "./sign_in_attempt";
import type { Duration } from "./values";

/** The argument of `authenticate`: what the caller of `signIn` passed, further members included. */
export interface Credentials {
  /** The name that the user gave, such as an e-mail address: what failed sign-ins are counted by. */
  email: string;
  /** The password, as it was typed. */
  password: string;
  /** The `User-Agent` of the request. */
  userAgent?: string | null | undefined;
  /** Where the request comes from: what failed sign-ins are counted by, too. */
  ipAddress?: string | null | undefined;
  /** Whatever else your check needs, such as a one-time code. */
  [credential: string]: unknown;
}

/** The credentials and wishes of a user who signs in. */
export interface SignInOptions extends Credentials {
  /** `duration`: how long the session lasts, such as `"30d"`; default: the setting `sessionDuration`. */
  sessionOptions?: { duration?: Duration | null | undefined } | undefined;
}

/** The user whose credentials were right, with the values for the session. */
export type AuthenticatedUser = Omit<CreateSessionOptions, "actor" | "duration" | "userAgent" | "ipAddress">;

/** Checks credentials; returns the user, or null when they are wrong. */
export type Authenticate = (
  credentials: Credentials,
) => Promise<AuthenticatedUser | null> | AuthenticatedUser | null;

/** The session with its tokens, under the names of this package and of the REST answer. */
export interface SignedInSession extends Session {
  /** A JWT. */
  accessToken: string;
  /** `rt_…`, good for one refresh. */
  refreshToken: string;
  /** Lifetime of the access token in seconds. */
  expiresIn: number;
  /** The same as `accessToken`. */
  access_token: string;
  /** The same as `refreshToken`. */
  refresh_token: string;
  /** The same as `expiresIn`. */
  expires_in: number;
  /** The same as `id`. */
  session_id: string;
}

/** The session values that the caller of `signIn` gives; the others come from `authenticate`. */
const CALLER_FIELDS = ["userAgent", "ipAddress"];
const USER_FIELDS = CREATE_FIELDS.filter(
  (field) => field !== "actor" && field !== "duration" && !CALLER_FIELDS.includes(field),
);

/** Signs users in and out: `hj.auth`. */
export class Auth {
  readonly #tenant: NativeTenant;
  readonly #authenticate: Authenticate | null;
  readonly #refuseIfClosed: () => void;

  /** @internal */
  constructor(tenant: NativeTenant, authenticate: Authenticate | null, refuseIfClosed: () => void) {
    this.#tenant = tenant;
    this.#authenticate = authenticate;
    this.#refuseIfClosed = refuseIfClosed;
  }

  /**
   * Lets the host's `authenticate` check the credentials and creates a session for the user that it returns.
   *
   * @throws HelloJohnError `invalid_credentials` when `authenticate` returns no user, `too_many_requests` when too many sign-ins have
   * failed (`authenticate` is not asked then), `internal` when it fails (its error is the `cause`) or its answer is not a
   * user, `validation_error`.
   *
   * @example
   * ```js
   * const { accessToken, refreshToken } = await hj.auth.signIn({
   *   email: "ada@example.com",
   *   password: "correct horse",
   *   sessionOptions: { duration: "30d" },
   * });
   * ```
   */
  async signIn(options: SignInOptions): Promise<SignedInSession> {
    const { sessionOptions, ...credentials } = Object.fromEntries(
      readRequiredMembers("options", options, null),
    );
    const authenticate = this.#authenticate;
    if (!authenticate)
      throw validationError("authenticate", "must be given to new HelloJohn() for signing in");
    readText("email", credentials["email"]);
    readText("password", credentials["password"]);
    const fields = readMembers("sessionOptions", sessionOptions, ["duration"]);
    for (const name of CALLER_FIELDS) fields.set(name, readOptionalText(name, credentials[name]));
    this.#refuseIfClosed();
    const { session, accessToken, refreshToken, expiresIn } = await this.#checkAndSignIn(
      authenticate,
      credentials as Credentials,
      fields,
    );
    return {
      ...session,
      accessToken,
      refreshToken,
      expiresIn,
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_in: expiresIn,
      session_id: session.id,
    };
  }

  async #checkAndSignIn(
    authenticate: Authenticate,
    credentials: Credentials,
    fields: Map<string, unknown>,
  ): Promise<SessionGrant> {
    const attempt = await beginAttempt(
      this.#tenant,
      credentials.email,
      fields.get("ipAddress") as string | null,
    );
    let user: Map<string, unknown>;
    try {
      user = await authenticateUser(authenticate, credentials);
    } catch (error) {
      if (error instanceof HelloJohnError && error.code === "invalid_credentials") throw await attempt.fail();
      // The failure of `authenticate` is what the caller has to know; the attempt stays counted if this fails too.
      await attempt.cancel().catch(() => undefined);
      throw error;
    }
    for (const [name, value] of user) fields.set(name, value);
    return attempt[succeedWith](fields).catch(blameHost);
  }

  /**
   * Begins a sign-in, for a host that checks credentials itself and does not use `authenticate`: call it before the check, and
   * give the attempt its outcome afterwards. The sign-in counts as failed until then, so that the limit (`signInLimit`) is
   * exact for calls at the same instant, in every process on the database. `signIn` and the REST API do this by themselves.
   *
   * `account` is the name that the user gave, such as an e-mail address; its case and the space around it do not matter.
   *
   * @throws HelloJohnError `too_many_requests` (see `retryAfter`): do not check the credentials. Also `validation_error`.
   *
   * @example
   * ```js
   * const attempt = await hj.auth.beginSignIn(email, { ipAddress: request.ip });
   * const user = await findUserByPassword(email, password);
   * if (!user) throw await attempt.fail();
   * const { accessToken, refreshToken } = await attempt.succeed({ userId: user.id, ipAddress: request.ip });
   * ```
   */
  async beginSignIn(
    account: string,
    options?: { ipAddress?: string | null | undefined },
  ): Promise<SignInAttempt> {
    const address = readMembers("options", options, ["ipAddress"]).get("ipAddress");
    return beginAttempt(this.#tenant, readText("account", account), readOptionalText("ipAddress", address));
  }

  /**
   * Ends the session of an access or refresh token (`local`, the default), or all sessions of its user (`global`), and
   * resolves to how many. Signing out of a session that has ended does nothing. An access token signs out also after it
   * has expired: it still names its session.
   *
   * @throws HelloJohnError `missing_token`, `invalid_token`, `session_not_found`, the refusals of a refresh token, and for `global`
   * of an ended session `session_revoked`, `session_expired`.
   *
   * @example
   * ```js
   * await hj.auth.signOut(refreshToken, { scope: "global" });
   * ```
   */
  async signOut(
    accessOrRefreshToken: string,
    options?: { scope?: SignOutScope | null | undefined },
  ): Promise<{ revoked: number }> {
    const presented = readToken("accessOrRefreshToken", accessOrRefreshToken);
    const scope = readOptionalText("scope", readMembers("options", options, ["scope"]).get("scope"));
    return callAsync(this.#tenant.signOut(presented, scope));
  }
}

/**
 * Asks the host's `authenticate` for the user of some credentials; resolves to the members of the user.
 * @internal
 */
export async function authenticateUser(
  authenticate: Authenticate,
  credentials: Credentials,
): Promise<Map<string, unknown>> {
  let user: unknown;
  try {
    user = await authenticate(credentials);
  } catch (cause) {
    throw new HelloJohnError("internal", "authenticate failed", { cause });
  }
  // A host that returns nothing or `false` has not confirmed a user.
  if (user === null || user === undefined || user === false) {
    throw new HelloJohnError("invalid_credentials", "the credentials are wrong");
  }
  try {
    return readUser(user);
  } catch (cause) {
    throw noUserError(cause);
  }
}

/**
 * Reads the members of a user that sessions have. Others are ignored: the object may be a row of a database or an instance of
 * a class.
 */
function readUser(user: unknown): Map<string, unknown> {
  if (typeof user !== "object" || user === null)
    throw validationError("user", "must be an object with a userId");
  const found = new Map<string, unknown>();
  for (const name of USER_FIELDS) {
    const value = readProperty(name, user, name);
    if (value !== undefined) found.set(name, copyJson(name, value));
  }
  if (readText("userId", found.get("userId")) === "") throw validationError("userId", "must not be empty");
  return found;
}

/** Not a validation_error: the user who signs in can do nothing about it. */
function noUserError(cause: unknown): HelloJohnError {
  const problem = cause instanceof HelloJohnError ? cause.detail : "user: could not be read";
  return new HelloJohnError("internal", `the answer of authenticate is no user: ${problem}`, { cause });
}

/** Fails with the error of a session that was not created; one about a value of `authenticate` is the host's mistake. */
function blameHost(error: unknown): never {
  const isRefused = error instanceof HelloJohnError && error.code === "validation_error";
  if (!isRefused) throw error;
  const field = error.detail.split(":", 1)[0] ?? "";
  throw field === "duration" || CALLER_FIELDS.includes(field) ? error : noUserError(error);
}
