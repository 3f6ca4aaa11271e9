import { readJson, resolve } from "./api.js";
import { decodeBase64Url } from "./base64url.js";
import { HelloJohnError } from "./errors.js";
import { parseStrictObject, type StrictObject } from "./strict_json.js";

export interface VerifierOptions {
  /** Where the API publishes its keys: `https://app.example.com/auth/.well-known/jwks.json`. */
  jwksUrl: string | URL;
  /** The tenant: the `aud` and the `tenant_id` of its tokens. */
  tenantId: string;
  /** The `iss` of its tokens; default `https://api.hellojohn.dev`. */
  issuer?: string;
  /** For how many seconds behind its `exp` a token is accepted, for servers whose clocks differ: 0 to 60, default 0. */
  leewaySeconds?: number;
  fetch?: (url: URL) => Promise<Response>;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** The claims of an access token that was verified; the host's own are among them. */
export interface AccessTokenClaims {
  readonly sub: string;
  readonly session_id: string;
  readonly tenant_id: string;
  readonly iss: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly mfa_verified: boolean;
  readonly role: string | null;
  readonly [claim: string]: unknown;
}

/** Verifies access tokens where the engine does not run: in an edge runtime, a worker, a browser. */
export interface Verifier {
  /**
   * Checks the signature and the claims. A session that was ended is not noticed before the token expires: ask the API where
   * that matters.
   * @throws HelloJohnError `missing_token`, `invalid_token`, `token_expired`; `network_error` or `unexpected_answer` if the
   * keys cannot be had
   */
  verify(token: string): Promise<AccessTokenClaims>;
}

const TOKEN_MAX = 8 * 1024;

/** Keys are asked for again after so many milliseconds, as the API's `Cache-Control` says. */
const KEYS_GOOD_FOR = 3_600_000;

/** A token of an unknown key has them asked for at once, but not more often than this. */
const KEYS_ASKED_EVERY = 30_000;

/** The keys of a tenant, by the one header that tokens of each have. */
type Keys = ReadonlyMap<string, CryptoKey>;

/** Makes a verifier. It asks for the keys when the first token comes. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { tenantId, issuer = "https://api.hellojohn.dev", leewaySeconds = 0 } = options;
  const { fetch = (url) => globalThis.fetch(url), now = () => Date.now() } = options;
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

  async function findKey(header: string): Promise<CryptoKey | undefined> {
    const age = Math.abs(now() - askedAt);
    if (age > KEYS_GOOD_FOR || (!keys.has(header) && age > KEYS_ASKED_EVERY)) {
      asking ??= ask().finally(() => {
        asking = null;
      });
      await asking;
    }
    return keys.get(header);
  }

  return {
    async verify(token) {
      if (typeof token !== "string" || token === "") {
        throw new HelloJohnError("missing_token", "no access token was given", { status: 401 });
      }
      const [header, payload, signature, ...more] = token.length > TOKEN_MAX ? [] : token.split(".");
      if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
        throw invalid();
      }
      const [claimed, signed] = [decode(payload), decode(signature)];
      if (!isHeader(header) || !claimed || signed?.length !== 64) throw invalid();
      const key = await findKey(header);
      if (!key || isLoose(signed)) throw invalid();
      const isGenuine = await crypto.subtle.verify(
        "Ed25519",
        key,
        signed,
        new TextEncoder().encode(`${header}.${payload}`),
      );
      const object = isGenuine ? readObject(claimed) : null;
      if (!object || !hasClaims(object, issuer, tenantId)) throw invalid();
      const claims = object.value as unknown as AccessTokenClaims;
      if (now() >= (claims.exp + leewaySeconds) * 1000) {
        throw new HelloJohnError("token_expired", "the access token has expired", { status: 401 });
      }
      return claims;
    },
  };
}

function invalid(): HelloJohnError {
  return new HelloJohnError("invalid_token", "not an access token of this tenant", { status: 401 });
}

/** The one header that tokens of a key have. Compared as a whole, it leaves no room for another `alg`, `crit` or `jku`. */
const headerOf = (kid: string) => encode(`{"typ":"JWT","alg":"EdDSA","kid":"${kid}"}`);

const KID = /^key_[0-9A-HJKMNP-TV-Z]{26}$/;

/** Whether a key of any tenant may have tokens with this header: only then are keys asked for. */
function isHeader(header: string): boolean {
  const bytes = decode(header);
  const kid = bytes && /"kid":"([^"]*)"\}$/.exec(String.fromCharCode(...bytes))?.[1];
  return !!kid && KID.test(kid) && headerOf(kid) === header;
}

async function importKeys(set: unknown): Promise<Keys> {
  const listed = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(listed))
    throw new HelloJohnError("unexpected_answer", "the answer is not a list of keys");
  const found = new Map<string, CryptoKey>();
  for (const jwk of listed.filter(isOurs)) {
    const { kid, kty, crv, x } = jwk;
    if (isSmall(decode(x) ?? new Uint8Array())) continue;
    found.set(
      headerOf(kid),
      await crypto.subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, ["verify"]),
    );
  }
  return found;
}

/** Keys of other kinds may stand in the list; they are others' matter. */
function isOurs(jwk: unknown): jwk is { kid: string; kty: string; crv: string; x: string } {
  const { kid, kty, crv, x } = (jwk ?? {}) as Record<string, unknown>;
  const isKey = kty === "OKP" && crv === "Ed25519" && typeof x === "string" && decode(x)?.length === 32;
  return isKey && typeof kid === "string" && KID.test(kid);
}

function readObject(bytes: Uint8Array): StrictObject | null {
  try {
    return parseStrictObject(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return null;
  }
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

const isText = (value: unknown, longest: number) =>
  typeof value === "string" && value !== "" && new TextEncoder().encode(value).length <= longest;

function encode(text: string): string {
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Decodes unpadded base64url; null unless it is the canonical text of its bytes. */
function decode(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const bytes = decodeBase64Url(text);
  return encode(bytes) === text ? Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)) : null;
}

/** The order of the group of Ed25519, little-endian. */
const ORDER = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

/** The points of small order, without their sign bit: keys and signatures that fit more than one message. */
const SMALL = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function isSmall(point: Uint8Array): boolean {
  const last = (point[31] ?? 0) & 0x7f;
  return SMALL.includes(toHex(point.slice(0, 31)) + toHex(Uint8Array.of(last)));
}

/** Whether a signature is one that lenient libraries accept: its point has small order, or its scalar is not reduced. */
function isLoose(signature: Uint8Array): boolean {
  const toNumber = (hex: string) => BigInt(`0x${hex.match(/../g)?.reverse().join("")}`);
  return isSmall(signature.slice(0, 32)) || toNumber(toHex(signature.slice(32))) >= toNumber(ORDER);
}
