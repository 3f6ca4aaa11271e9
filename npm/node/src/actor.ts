import type { Auth } from "./auth";
import type { ConfigApi } from "./config";
import type { NativeTenant } from "./internal/native_types";
import type { Keys } from "./keys";
import { changeSecretKey, type PurgeOptions, purge, rotateRefreshKey, sweep } from "./maintenance";
import type { Sessions } from "./sessions";

/**
 * What a tenant offers to one actor: every change through this object is an event that names the actor. Made by
 * `hj.withActor`; it lives as long as that object is open.
 */
export class ActorScope {
  /** As `hj.sessions`. */
  readonly sessions: Sessions;
  /** As `hj.auth`. */
  readonly auth: Auth;
  /** As `hj.config`. */
  readonly config: ConfigApi;
  /** As `hj.keys`. */
  readonly keys: Keys;
  readonly #tenant: NativeTenant;

  /** @internal */
  constructor(
    tenant: NativeTenant,
    parts: { sessions: Sessions; auth: Auth; config: ConfigApi; keys: Keys },
  ) {
    this.#tenant = tenant;
    this.sessions = parts.sessions;
    this.auth = parts.auth;
    this.config = parts.config;
    this.keys = parts.keys;
  }

  /** As `hj.sweep`. What the clock has ended has no actor. */
  async sweep(): Promise<{ stamped: number }> {
    return sweep(this.#tenant);
  }

  /** As `hj.purge`. */
  async purge(options: PurgeOptions): Promise<{ purged: number }> {
    return purge(this.#tenant, options);
  }

  /** As `hj.changeSecretKey`. */
  async changeSecretKey(newKey: string): Promise<void> {
    await changeSecretKey(this.#tenant, newKey);
  }

  /** As `hj.rotateRefreshKey`. */
  async rotateRefreshKey(): Promise<void> {
    await rotateRefreshKey(this.#tenant);
  }
}
