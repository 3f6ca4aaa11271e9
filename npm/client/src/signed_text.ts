import { decodeBase64Url } from "./base64url.js";
import { HelloJohnError } from "./errors.js";
import { parseStrictObject, type StrictObject } from "./strict_json.js";

/** The keys of a tenant, by their ids. */
export type Keys = ReadonlyMap<string, CryptoKey>;

/**
 * What a text of this type says if the key that its header names has signed it; null for any other text. `findKey` is asked only
 * where a key of some tenant may have written the header.
 */
export async function readSigned(
  text: string,
  type: string,
  findKey: (kid: string) => Promise<CryptoKey | undefined>,
): Promise<StrictObject | null> {
  const [header, payload, signature, ...more] = text.split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    return null;
  const [claimed, signed] = [decode(payload), decode(signature)];
  const kid = readKid(header, type);
  if (!kid || !claimed || signed?.length !== 64) return null;
  const key = await findKey(kid);
  if (!key || isLoose(signed)) return null;
  const bytes = new TextEncoder().encode(`${header}.${payload}`);
  return (await crypto.subtle.verify("Ed25519", key, signed, bytes)) ? readObject(claimed) : null;
}

/** The one header that texts of a type and a key have. Compared as a whole, it leaves no room for another `alg`, `crit` or `jku`. */
const headerOf = (type: string, kid: string) => encode(`{"typ":"${type}","alg":"EdDSA","kid":"${kid}"}`);

/** More characters than any of our headers has. */
const HEADER_MAX = 200;

const KID = /^key_[0-9A-HJKMNP-TV-Z]{26}$/;

/** The key of a header that a key of any tenant may have written: only then are keys asked for. */
function readKid(header: string, type: string): string | null {
  const bytes = header.length > HEADER_MAX ? null : decode(header);
  const kid = bytes && /"kid":"([^"]*)"\}$/.exec(String.fromCharCode(...bytes))?.[1];
  return kid && KID.test(kid) && headerOf(type, kid) === header ? kid : null;
}

/** The keys of a JWK Set. */
export async function importKeys(set: unknown): Promise<Keys> {
  const listed = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(listed))
    throw new HelloJohnError("unexpected_answer", "the answer is not a list of keys");
  const found = new Map<string, CryptoKey>();
  for (const jwk of listed.filter(isOurs)) {
    const { kid, kty, crv, x } = jwk;
    if (isSmall(decode(x) ?? new Uint8Array())) continue;
    found.set(kid, await crypto.subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, ["verify"]));
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

/** Bytes, each as a character, in base64url. */
export function encode(text: string): string {
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
