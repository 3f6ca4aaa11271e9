import type { KeyInfo } from "./generated/types";
import { toKeyInfo, type WireKeyInfo } from "./generated/wire";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readText } from "./internal/validate";

/** A public key (RFC 7517, RFC 8037). */
export interface PublicJwk {
  kty: "OKP";
  crv: "Ed25519";
  /** The key, base64url. */
  x: string;
  kid: string;
  alg: "EdDSA";
  use: "sig";
}

/** The tenant's public keys, as any JWT library reads them. */
export interface Jwks {
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
   * Rejects with `too_many_requests` while 100 keys are retiring; `retryAfter` says after how many seconds the first leaves.
   *
   * @example
   * ```js
   * const { kid } = await hj.keys.rotate();
   * ```
   */
  async rotate(): Promise<{ kid: string }> {
    return { kid: await callAsync<string>(this.#tenant.rotateKeys()) };
  }

  /** All keys, oldest first, retired ones included. */
  async list(): Promise<KeyInfo[]> {
    return (await callAsync<WireKeyInfo[]>(this.#tenant.keys())).map(toKeyInfo);
  }

  /**
   * Retires a retiring or next key at once, for emergencies: its tokens become invalid.
   *
   * Rejects with `not_found`; with `validation_error` for the active key: rotate first.
   */
  async retire(kid: string): Promise<void> {
    await callAsync(this.#tenant.retireKey(readText("kid", kid)));
  }
}
