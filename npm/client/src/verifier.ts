import { readJson, resolve } from "./api.js";
import { HelloJohnError } from "./errors.js";
import { type ListPage, RevocationList, readListPage } from "./revocations.js";
import { importKeys, type Keys, readSigned } from "./signed_text.js";
import type { StrictObject } from "./strict_json.js";

/** Which tokens a verifier accepts, and where it gets the keys. */
export interface VerifierOptions {
  /** Where the API publishes its keys: `https://app.example.com/auth/.well-known/jwks.json`. */
  jwksUrl: string | URL;
  /** The tenant: the `aud` and the `tenant_id` of its tokens. */
  tenantId: string;
  /** The `iss` of its tokens; default `https://api.hellojohn.dev`. */
  issuer?: string;
  /** For how many seconds behind its `exp` a token is accepted, for servers whose clocks differ: 0 to 60, default 0. */
  leewaySeconds?: number;
  /** Asks for the keys and the list; default: the global `fetch`. */
  fetch?: (url: URL) => Promise<Response>;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** Options of a verifier that also refuses tokens of ended sessions. */
export interface RevocationVerifierOptions extends VerifierOptions {
  /**
   * Where the API has its revocation list: `https://app.example.com/auth/v1/revocations`. Unless the API publishes the list
   * (`publicRevocations`), `fetch` must add the secret key.
   */
  revocationsUrl: string | URL;
  /** How old the list may be before an answer calls it stale, in seconds: 1 to 3600, default 10. */
  maxStaleness?: number;
}

/** An access token that is genuine, has not expired, and is not known to be of an ended session. */
export interface VerifiedToken {
  /** What the token says. */
  claims: AccessTokenClaims;
  /**
   * What the revocation list says.
   *
   * - `current`: the session had not ended at {@link listedAt}, which is not longer ago than `maxStaleness`.
   * - `stale`: the list is older than that, or was never there: the session may have ended since.
   * - `unknown`: the list cannot tell whether this session has ended, because it begins later than the token, or while the engine
   *   still writes down which sessions a filter has ended.
   */
  revocation: "current" | "stale" | "unknown";
  /** The time of the list: milliseconds since 1970, or null before the first one. */
  listedAt: number | null;
}

/** Verifies access tokens where the engine does not run, and refuses those of ended sessions. */
export interface RevocationVerifier {
  /**
   * Checks signature, claims and the revocation list, which is asked for anew when half of `maxStaleness` has passed. A list that
   * cannot be had is no error: the answer says that what is held is `stale`.
   * @throws HelloJohnError `session_revoked`, and what {@link Verifier.verify} throws
   *
   * @example
   * ```js
   * const { claims, revocation } = await verifier.verify(token);
   * ```
   */
  verify(token: string): Promise<VerifiedToken>;
}

/** The claims of an access token that was verified; the host's own are among them. */
export interface AccessTokenClaims {
  /** The user. */
  readonly sub: string;
  /** The session. */
  readonly session_id: string;
  /** The tenant. */
  readonly tenant_id: string;
  /** The issuer. */
  readonly iss: string;
  /** The tenant, again. */
  readonly aud: string;
  /** When it was issued, in seconds since 1970. */
  readonly iat: number;
  /** From when on it is refused, in seconds since 1970. */
  readonly exp: number;
  /** When the user authenticated, in seconds since 1970. Tokens of earlier releases do not say it. */
  readonly auth_time?: number;
  /** The methods that the user had passed, the newest last; absent without any. */
  readonly amr?: readonly string[];
  /** Who acts for the user, if another person does (RFC 8693). */
  readonly act?: { readonly sub: string };
  /** Its own id. */
  readonly jti: string;
  /** Whether the user had passed a second factor. */
  readonly mfa_verified: boolean;
  /** The user's role, or null. */
  readonly role: string | null;
  /** The host's own claims. */
  readonly [claim: string]: unknown;
}

/** Verifies access tokens where the engine does not run: in an edge runtime, a worker, a browser. */
export interface Verifier {
  /**
   * Checks the signature and the claims. A session that was ended is not noticed before the token expires: ask the API where
   * that matters.
   * @throws HelloJohnError `missing_token`, `invalid_token`, `token_expired`; `network_error` or `unexpected_answer` if the
   * keys cannot be had
   *
   * @example
   * ```js
   * const { sub } = await verifier.verify(token);
   * ```
   */
  verify(token: string): Promise<AccessTokenClaims>;
}

const TOKEN_MAX = 8 * 1024;

/** Keys are asked for again after so many milliseconds, as the API's `Cache-Control` says. */
const KEYS_GOOD_FOR = 3_600_000;

/** A token of an unknown key has them asked for at once, but not more often than this. */
const KEYS_ASKED_EVERY = 30_000;

/** The `typ` of a revocation list, which no access token has. */
const LIST_TYPE = "hellojohn-revocations+jwt";

/** A list of that many bytes has more entries than a page. */
const LIST_MAX = 1024 * 1024;

/** While the list cannot be had, it is asked for again after so many milliseconds. */
const LIST_ASKED_EVERY = 1_000;

/** A request without an answer ends after so many milliseconds. */
const ANSWER_WITHIN = 5_000;

/** How many pages one refresh reads; the next one goes on. */
const PAGES_MAX = 200;

/**
 * Makes a verifier. It asks for the keys, and for the list if there is one, when the first token comes.
 *
 * @example
 * ```js
 * const verifier = createVerifier({
 *   jwksUrl: "https://app.example.com/auth/.well-known/jwks.json",
 *   revocationsUrl: "https://app.example.com/auth/v1/revocations",
 *   tenantId: "tnt_acme",
 * });
 * ```
 */
export function createVerifier(options: RevocationVerifierOptions): RevocationVerifier;
export function createVerifier(options: VerifierOptions): Verifier;
export function createVerifier(
  options: VerifierOptions | RevocationVerifierOptions,
): Verifier | RevocationVerifier {
  const { tenantId, issuer = "https://api.hellojohn.dev", leewaySeconds = 0 } = options;
  const { fetch = fetchInTime, now = () => Date.now() } = options;
  const url = resolve(String(options.jwksUrl), null);
  if (!tenantId) throw new HelloJohnError("validation_error", "tenantId is required");
  if (!(leewaySeconds >= 0 && leewaySeconds <= 60)) {
    throw new HelloJohnError("validation_error", "leewaySeconds must be 0 to 60");
  }
  let keys: Keys = new Map();
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;

  async function ask(): Promise<void> {
    let response: Response;
    try {
      response = await fetch(url);
    } catch (cause) {
      throw new HelloJohnError("network_error", "the keys cannot be had", { cause });
    }
    if (!response.ok) {
      throw new HelloJohnError("unexpected_answer", "the keys cannot be had", { status: response.status });
    }
    keys = await importKeys(await readJson(response));
    askedAt = now();
  }

  async function findKey(kid: string): Promise<CryptoKey | undefined> {
    const age = Math.abs(now() - askedAt);
    if (age > KEYS_GOOD_FOR || (!keys.has(kid) && age > KEYS_ASKED_EVERY)) {
      asking ??= ask().finally(() => {
        asking = null;
      });
      await asking;
    }
    return keys.get(kid);
  }

  function requireTime({ exp }: AccessTokenClaims, time: number): void {
    if (time >= (exp + leewaySeconds) * 1000) {
      throw new HelloJohnError("token_expired", "the access token has expired", { status: 401 });
    }
  }

  async function verify(token: string): Promise<AccessTokenClaims> {
    if (typeof token !== "string" || token === "") {
      throw new HelloJohnError("missing_token", "no access token was given", { status: 401 });
    }
    const object = token.length > TOKEN_MAX ? null : await readSigned(token, "JWT", findKey);
    if (!object || !hasClaims(object, issuer, tenantId) || !hasBegun(object, now())) throw invalid();
    const claims = object.value as unknown as AccessTokenClaims;
    requireTime(claims, now());
    return claims;
  }

  if (!("revocationsUrl" in options) || options.revocationsUrl === undefined) return { verify };
  const { maxStaleness = 10 } = options;
  if (!(maxStaleness >= 1 && maxStaleness <= 3600)) {
    throw new HelloJohnError("validation_error", "maxStaleness must be 1 to 3600");
  }
  const listUrl = resolve(String(options.revocationsUrl), null);
  const list = new RevocationList();
  let listAskedAt = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | null = null;

  async function readPage(since: number): Promise<ListPage | null> {
    const url = new URL(listUrl);
    url.searchParams.set("since", String(since));
    const response = await fetch(url);
    const text = response.ok ? (await readJson<{ list?: unknown } | null>(response))?.list : null;
    if (typeof text !== "string" || text.length > LIST_MAX) return null;
    const object = await readSigned(text, LIST_TYPE, findKey);
    const isOurs = object?.value["iss"] === issuer && object.value["aud"] === tenantId;
    return object && isOurs ? readListPage(object.value) : null;
  }

  /** Brings the list up to date; what fails leaves it as old as it is. */
  async function refresh(): Promise<void> {
    try {
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        listAskedAt = now();
        const asked = listAskedAt;
        const page = await readPage(list.seq);
        if (!page || !list.take(page, asked) || !page.has_more) return;
      }
    } catch {
      // The answers say that the list is stale.
    }
  }

  /** The call that finds the list old brings it up to date. Others wait for that only where what is held is too old. */
  async function keepFresh(): Promise<void> {
    const age = Math.abs(now() - listAskedAt);
    // A runtime may have dropped the call that was reading, and its requests with it.
    const isReading = refreshing !== null && age < 2 * ANSWER_WITHIN;
    if (isReading) {
      if (isOlderThan(maxStaleness)) await refreshing;
    } else if (isOlderThan(maxStaleness / 2) && age >= LIST_ASKED_EVERY) {
      const reading = refresh();
      refreshing = reading;
      await reading;
      if (refreshing === reading) refreshing = null;
    }
  }

  const isOlderThan = (seconds: number) => Math.abs(now() - list.listedAt) > seconds * 1000;

  return {
    async verify(token) {
      const claims = await verify(token);
      await keepFresh();
      requireTime(claims, list.timeOf(now()));
      const isStale = isOlderThan(maxStaleness);
      const standing = await list.judge(claims);
      if (standing === "revoked") {
        throw new HelloJohnError("session_revoked", "the session has ended", { status: 401 });
      }
      const listedAt = Number.isFinite(list.listedAt) ? list.listedAt : null;
      return { claims, revocation: isStale ? "stale" : standing, listedAt };
    },
  };
}

const fetchInTime = (url: URL) => globalThis.fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN) });

function invalid(): HelloJohnError {
  return new HelloJohnError("invalid_token", "not an access token of this tenant", { status: 401 });
}

/** Whether the claims are there, have their types, and agree with each other and with what is expected. */
function hasClaims({ value, written }: StrictObject, issuer: string, tenantId: string): boolean {
  const optional = (name: string, longest: number) => {
    const text = value[name] ?? null;
    return text === null || isText(text, longest);
  };
  const isSecond = (name: string) => /^-?\d{1,15}$/.test(written.get(name) ?? "");
  const [role, org, orgRole] = ["role", "org_id", "org_role"].map((name) => value[name] ?? null);
  return (
    value["iss"] === issuer &&
    value["aud"] === tenantId &&
    value["tenant_id"] === tenantId &&
    isText(value["sub"], 255) &&
    value["sid"] === value["session_id"] &&
    typeof value["sid"] === "string" &&
    /^ses_[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(value["sid"]) &&
    typeof value["mfa_verified"] === "boolean" &&
    typeof value["jti"] === "string" &&
    isSecond("iat") &&
    isSecond("exp") &&
    optional("role", 255) &&
    optional("org_id", 255) &&
    optional("org_role", 255) &&
    optional("email", 320) &&
    (org === null ? orgRole === null : orgRole === role)
  );
}

/** Whether the time of `nbf` has come. The engine writes none; a token that has one all the same is bound by it. */
function hasBegun({ value, written }: StrictObject, time: number): boolean {
  if (value["nbf"] === undefined) return true;
  const begin = written.get("nbf") ?? "";
  return /^-?\d{1,15}$/.test(begin) && Number(begin) * 1000 <= time;
}

const isText = (value: unknown, longest: number) =>
  typeof value === "string" && value !== "" && new TextEncoder().encode(value).length <= longest;
