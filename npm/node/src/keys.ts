import type { KeyInfo } from "./generated/types";
import { toKeyInfo, type WireKeyInfo } from "./generated/wire";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readText } from "./internal/validate";

/** A public key (RFC 7517, RFC 8037). */
export interface PublicJwk {
  /** The kind of key: an octet key pair. */
  kty: "OKP";
  /** Its curve. */
  crv: "Ed25519";
  /** The key, base64url. */
  x: string;
  /** Its id, `key_…`, which tokens name. */
  kid: string;
  /** The algorithm that it is for. */
  alg: "EdDSA";
  /** What it is for: signatures. */
  use: "sig";
}

/** The tenant's public keys, as any JWT library reads them. */
export interface Jwks {
  /** Those that vouch for tokens, and the one that signs next. */
  keys: PublicJwk[];
}

/** The tenant's signing keys: `hj.keys`. */
export class Keys {
  readonly #tenant: NativeTenant;

  /** @internal */
  constructor(tenant: NativeTenant) {
    this.#tenant = tenant;
  }

  /**
   * Makes the next key the signing key and publishes a new next key. Sessions and tokens stay valid. Of the retired keys the
   * newest 100 are kept.
   *
   * @throws HelloJohnError `too_many_requests` while 100 keys are retiring; `retryAfter` says after how many seconds the first leaves.
   *
   * @example
   * ```js
   * const { kid } = await hj.keys.rotate();
   * ```
   */
  async rotate(): Promise<{ kid: string }> {
    return { kid: await callAsync<string>(this.#tenant.rotateKeys()) };
  }

  /**
   * All keys, oldest first, retired ones included.
   *
   * @example
   * ```js
   * const active = (await hj.keys.list()).find(({ state }) => state === "active");
   * ```
   */
  async list(): Promise<KeyInfo[]> {
    return (await callAsync<WireKeyInfo[]>(this.#tenant.keys())).map(toKeyInfo);
  }

  /**
   * Retires a retiring or next key at once, for emergencies: its tokens become invalid.
   *
   * @throws HelloJohnError `not_found`; with `validation_error` for the active key: rotate first.
   *
   * @example
   * ```js
   * const { kid } = (await hj.keys.list()).find(({ state }) => state === "retiring");
   * await hj.keys.retire(kid);
   * ```
   */
  async retire(kid: string): Promise<void> {
    await callAsync(this.#tenant.retireKey(readText("kid", kid)));
  }
}
