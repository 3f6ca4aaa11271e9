import { validationError } from "./errors";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { copyJson, readRequiredMembers } from "./internal/validate";
import type { Duration } from "./session";

/** The tenant's settings. Durations read back as they were given, numbers as `<n>s`. */
export interface Config {
  /** How long a session lasts after sign-in; default `30d`. Binds at sign-in. */
  sessionDuration: string;
  /** How long an access token lasts; default `1h`. Binds at the next token. */
  accessTokenTtl: string;
  /** After how long without a refresh a session is revoked; default null: never. Binds at once. */
  idleTimeout: string | null;
  /** How many active sessions a user may have; default null: unlimited. Binds at the user's next sign-in. */
  maxSessionsPerUser: number | null;
  /** For how long a rotated refresh token still answers with its successor, up to 60 s; default `10s`. */
  refreshReuseWindow: string;
}

/** A change of settings: absent or `undefined` leaves a setting as it is, null turns it off. */
export interface ConfigPatch {
  sessionDuration?: Duration | undefined;
  accessTokenTtl?: Duration | undefined;
  idleTimeout?: Duration | null | undefined;
  maxSessionsPerUser?: number | null | undefined;
  refreshReuseWindow?: Duration | undefined;
  session_duration?: Duration | undefined;
  access_token_ttl?: Duration | undefined;
  idle_timeout?: Duration | null | undefined;
  max_sessions_per_user?: number | null | undefined;
  refresh_reuse_window?: Duration | undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  sessionDuration: "session_duration",
  accessTokenTtl: "access_token_ttl",
  idleTimeout: "idle_timeout",
  maxSessionsPerUser: "max_sessions_per_user",
  refreshReuseWindow: "refresh_reuse_window",
};
const KNOWN = Object.entries(NAMES).flat();

/**
 * Reads a patch, under the engine's names.
 * @internal
 */
export function toWireConfigPatch(name: string, patch: unknown): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [key, value] of readRequiredMembers(name, patch, KNOWN)) {
    if (value === undefined) continue;
    const setting = NAMES[key] ?? key;
    if (setting in wire) throw validationError(key, "must not be given in both spellings");
    wire[setting] = copyJson(key, value);
  }
  return wire;
}

interface WireConfig {
  session_duration: string;
  access_token_ttl: string;
  idle_timeout: string | null;
  max_sessions_per_user: number | null;
  refresh_reuse_window: string;
}

function toConfig(wire: WireConfig): Config {
  return {
    sessionDuration: wire.session_duration,
    accessTokenTtl: wire.access_token_ttl,
    idleTimeout: wire.idle_timeout,
    maxSessionsPerUser: wire.max_sessions_per_user,
    refreshReuseWindow: wire.refresh_reuse_window,
  };
}

/** The tenant's settings: `hj.config`. */
export class ConfigApi {
  readonly #tenant: NativeTenant;

  /** @internal */
  constructor(tenant: NativeTenant) {
    this.#tenant = tenant;
  }

  /** The current settings. */
  async get(): Promise<Config> {
    return toConfig(await callAsync<WireConfig>(this.#tenant.config()));
  }

  /**
   * Changes settings, all or none, in either spelling, and resolves to the settings after the change.
   *
   * Rejects with `validation_error` naming the setting.
   *
   * @example
   * ```js
   * await hj.config.update({ accessTokenTtl: "15m", idleTimeout: "7d", maxSessionsPerUser: 5 });
   * ```
   */
  async update(patch: ConfigPatch): Promise<Config> {
    const change = JSON.stringify(toWireConfigPatch("patch", patch));
    return toConfig(await callAsync<WireConfig>(this.#tenant.updateConfig(change)));
  }
}
