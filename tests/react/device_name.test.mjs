// What a user agent is called in front of people.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGLISH } from "@hellojohn/react";
import { readDeviceName } from "../../npm/react/dist/device_name.js";

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)";

const NAMES = [
  [
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/143.0.0.0 Safari/537.36`,
    "Chrome on macOS",
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0`,
    "Edge on Windows",
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36 OPR/127.0.0.0`,
    "Opera on Windows",
  ],
  [
    `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    "Samsung Internet on Android",
  ],
  [`Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/143.0.0.0 Mobile Safari/537.36`, "Chrome on Android"],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/143.0.0.0 Safari/537.36`, "Chrome on ChromeOS"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0", "Firefox on Linux"],
  ["Mozilla/5.0 (Android 16; Mobile; rv:146.0) Gecko/146.0 Firefox/146.0", "Firefox on Android"],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${APPLE} Version/26.1 Mobile/15E148 Safari/604.1`,
    "Safari on iPhone",
  ],
  [
    `Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) ${APPLE} Version/26.1 Mobile/15E148 Safari/604.1`,
    "Safari on iPad",
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${APPLE} CriOS/143.0 Mobile/15E148 Safari/604.1`,
    "Chrome on iPhone",
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${APPLE} FxiOS/146.0 Mobile/15E148 Safari/604.1`,
    "Firefox on iPhone",
  ],
  [
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${APPLE} Version/26.1 Safari/605.1.15`,
    "Safari on macOS",
  ],
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${APPLE} Mobile/15E148`, "App on iPhone"],
  [
    `Mozilla/5.0 (Linux; Android 16; Pixel 9; wv) ${WEBKIT} Version/4.0 Chrome/143.0.0.0 Mobile Safari/537.36`,
    "App on Android",
  ],
  ["Acme/7.1 (iPhone; iOS 19.2; Scale/3.00) CFNetwork/3860.200.71 Darwin/25.2.0", "App on iPhone"],
  ["okhttp/5.3.0", "App"],
  ["curl/8.17.0", "Unknown device"],
  ["", "Unknown device"],
  [null, "Unknown device"],
];

for (const [userAgent, name] of NAMES) {
  test(`${name}: ${userAgent}`, () => {
    const { browser, system } = readDeviceName(userAgent);
    assert.equal(ENGLISH.deviceName(browser, system), name);
  });
}
