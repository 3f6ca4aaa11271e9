import { validationError } from "./errors";
import type { Config, ConfigPatch, ConfigWarning } from "./generated/types";
import { CONFIG_NAMES, toConfig, type WireConfig } from "./generated/wire";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { copyJson, readRequiredMembers } from "./internal/validate";

const NAMES: Readonly<Record<string, string>> = CONFIG_NAMES;
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

/** The settings in force, and what of them is probably not meant. */
export interface CheckedConfig extends Config {
  /** What is allowed and probably not meant; mostly empty. */
  warnings: ConfigWarning[];
}

type WireCheckedConfig = WireConfig & { warnings: ConfigWarning[] };

const toCheckedConfig = (wire: WireCheckedConfig): CheckedConfig => ({
  ...toConfig(wire),
  warnings: wire.warnings,
});

/** The tenant's settings: `hj.config`. */
export class ConfigApi {
  readonly #tenant: NativeTenant;

  /** @internal */
  constructor(tenant: NativeTenant) {
    this.#tenant = tenant;
  }

  /**
   * The current settings.
   *
   * @example
   * ```js
   * const { idleTimeout, warnings } = await hj.config.get();
   * ```
   */
  async get(): Promise<CheckedConfig> {
    return toCheckedConfig(await callAsync<WireCheckedConfig>(this.#tenant.config()));
  }

  /**
   * Changes settings, all or none, in either spelling, and resolves to the settings after the change.
   *
   * @throws HelloJohnError `validation_error` naming the setting.
   *
   * @example
   * ```js
   * await hj.config.update({ accessTokenTtl: "15m", idleTimeout: "7d", maxSessionsPerUser: 5 });
   * ```
   */
  async update(patch: ConfigPatch): Promise<CheckedConfig> {
    const change = JSON.stringify(toWireConfigPatch("patch", patch));
    return toCheckedConfig(await callAsync<WireCheckedConfig>(this.#tenant.updateConfig(change)));
  }
}
