/** Methods with which a request is no CORS preflight. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** The engine's limits. A request near them is left to the engine. */
const HEADER_COUNT_MAX = 128;
const HEADERS_MAX = 32 * 1024;

/** The characters of a name of a header (RFC 9110, section 5.6.2), by their codes. */
const NAME_CHARS = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  NAME_CHARS[char.charCodeAt(0)] = 1;
}

/**
 * The text of the `Authorization` header if nothing else in the request could make the engine answer differently than to an
 * earlier request with the same text; else null, and the engine has to look at the request. `headers`: names and values in turn,
 * as they were sent.
 */
export function readPlainCredentials(method: string, headers: readonly string[]): string | null {
  if (!METHODS.has(method)) return null;
  let credentials: string | null = null;
  let [count, bytes] = [0, 0];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name, value] = [headers[at], headers[at + 1]];
    // A request that a host has made itself may hold anything.
    if (typeof name !== "string" || typeof value !== "string") return null;
    // Of the pseudo-headers of HTTP/2 the engine sees the authority.
    const isPseudo = name.charCodeAt(0) === 58;
    if (isPseudo && name !== ":authority") continue;
    count += 1;
    bytes += name.length + value.length;
    if (count > HEADER_COUNT_MAX || bytes > HEADERS_MAX) return null;
    if (name.length === 13 && name.toLowerCase() === "authorization") {
      if (credentials !== null) return null;
      credentials = value;
      continue;
    }
    if (name.length === 11 && name.toLowerCase() === "x-tenant-id") return null;
    if (!isValue(value) || !(isPseudo || isName(name))) return null;
  }
  return credentials;
}

function isName(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (NAME_CHARS[text.charCodeAt(at)] !== 1) return false;
  }
  return text !== "";
}

/** Whether HTTP allows a value: printable characters, spaces, tabs, and bytes above 127. */
function isValue(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if ((code < 32 && code !== 9) || code === 127 || code > 255) return false;
  }
  return true;
}
