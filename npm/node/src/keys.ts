import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readText } from "./internal/validate";

/** Where a signing key stands: published but unused, signing, no longer signing but good, gone. */
export type KeyState = "next" | "active" | "retiring" | "retired";

/** A signing key. */
export interface KeyInfo {
  /** The `kid` of its tokens. */
  kid: string;
  state: KeyState;
  createdAt: Date;
}

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
   * Makes the next key the signing key and publishes a new next key. Sessions and tokens stay valid.
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
    const rows = await callAsync<{ kid: string; state: KeyState; created_at: number }[]>(this.#tenant.keys());
    return rows.map(({ kid, state, created_at }) => ({ kid, state, createdAt: new Date(created_at) }));
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
