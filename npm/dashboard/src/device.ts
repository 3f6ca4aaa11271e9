import { readDeviceName } from "../../react/src/device_name";

const TYPES: Readonly<Record<string, string>> = {
  desktop: "Desktop",
  mobile: "Mobile",
  tablet: "Tablet",
  bot: "Bot",
  unknown: "Unknown",
};

export const nameDeviceType = (type: string) => TYPES[type] ?? type;

/** "Chrome on macOS", or what is known of it. */
export function nameDevice(userAgent: string | null): string {
  const { browser, system } = readDeviceName(userAgent);
  if (browser && system) return `${browser} on ${system}`;
  if (browser ?? system) return `${browser ?? system}`;
  const product = /^([A-Za-z][\w.-]{1,30})\//.exec(userAgent ?? "")?.[1];
  return product && product !== "Mozilla" ? product : "Unknown device";
}
