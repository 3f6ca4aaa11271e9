/** What a user agent tells of a device: the browser or app, and the system below it. */
export interface DeviceName {
  browser: string | null;
  system: string | null;
}

// The first that fits; browsers name those that they descend from, so the descendants stand first.
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\/|\bEdgiOS\//, "Edge"],
  [/\bOPR\/|\bOPiOS\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bDuckDuckGo\/|\bDdg\//, "DuckDuckGo"],
  [/\bYaBrowser\//, "Yandex Browser"],
  [/\bUCBrowser\//, "UC Browser"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, "Chrome"],
  [/\bVersion\/[\d.]+.*\bSafari\//, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b|\biPod\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b|\bmacOS\b|\bDarwin\b/, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

/** Native apps name themselves and a network library. */
const APPS = /\bCFNetwork\/|\bDarwin\/|\bokhttp\/|\bDalvik\/|\bDart\/|\bExpo\/|\bReactNative\b/i;

/** Reads a user agent for people; it decides nothing. */
export function readDeviceName(userAgent: string | null): DeviceName {
  const text = userAgent ?? "";
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(text))?.[1] ?? null;
  // A web view has no browser's name of its own.
  const isApp = APPS.test(text) || /\biP(?:hone|ad)\b(?!.*\bSafari\/)/.test(text) || /; wv\)/.test(text);
  return { browser: isApp ? "App" : find(BROWSERS), system: find(SYSTEMS) };
}
