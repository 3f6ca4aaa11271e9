import { type LookupAddress, lookup } from "node:dns";
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { Buffer, clearTimeout, setTimeout, URL } from "./globals";

/** How many redirects one post follows. */
const REDIRECTS_MAX = 3;

/** More of an answer is not read. Nothing of it is looked at. */
const ANSWER_MAX = 64 * 1024;

/** What a receiver answered to a post, or why there is no answer. */
export interface PostOutcome {
  /** The HTTP status; 0 if there is no answer. */
  status: number;
  /** The header `Retry-After`. */
  retryAfter: string | null;
  /** One line about what went wrong; empty for a status from 200 to 299. */
  failure: string;
}

/** How posts to one receiver are made. */
export interface PostOptions {
  timeoutMs: number;
  /** Whether a redirect may lead to a private address. */
  allowPrivateRedirects: boolean;
}

/** Posts JSON to one URL, over one connection that is kept. */
export class Poster {
  readonly #url: URL;
  readonly #options: PostOptions;
  readonly #agents = {
    "http:": new HttpAgent({ keepAlive: true, maxSockets: 1 }),
    "https:": new HttpsAgent({ keepAlive: true, maxSockets: 1 }),
  };

  constructor(url: URL, options: PostOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** Never rejects. The time limit is for all redirects together, and for an answer that trickles too. */
  async post(headers: Record<string, string>, body: string): Promise<PostOutcome> {
    const stop = new Deadline(this.#options.timeoutMs);
    try {
      let url = this.#url;
      for (let hops = 0; ; hops++) {
        const isRedirected = hops > 0;
        const mustBePublic = isRedirected && !this.#options.allowPrivateRedirects;
        const answer = await this.#postOnce(url, { headers, body, isRedirected, mustBePublic }, stop);
        const { status, location } = answer;
        if (status !== 307 && status !== 308) return toOutcome(answer);
        if (location === undefined || !URL.canParse(location, url.href))
          return fail("redirects to nowhere", status);
        if (hops === REDIRECTS_MAX) return fail("redirects too often", status);
        const next = new URL(location, url);
        if (next.protocol !== url.protocol && next.protocol !== "https:") {
          return fail("redirects to what is not HTTPS", status);
        }
        url = next;
      }
    } catch (error) {
      return fail(stop.hasPassed ? "no answer in time" : describe(error), 0);
    } finally {
      stop.cancel();
    }
  }

  close(): void {
    this.#agents["http:"].destroy();
    this.#agents["https:"].destroy();
  }

  #postOnce(
    url: URL,
    post: { headers: Record<string, string>; body: string; isRedirected: boolean; mustBePublic: boolean },
    stop: Deadline,
  ): Promise<Answer> {
    return new Promise((settle, refuse) => {
      const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
      // The system looks up names only; an address goes straight to the socket.
      if (post.mustBePublic && isIP(host) !== 0 && isPrivateAddress(host)) throw new PrivateAddressError();
      const isHttps = url.protocol === "https:";
      const sent = (isHttps ? requestHttps : requestHttp)(url, {
        method: "POST",
        headers: { ...post.headers, "content-length": Buffer.byteLength(post.body) },
        // A connection that was made without the check is not used for a redirect.
        agent: post.isRedirected ? false : this.#agents[isHttps ? "https:" : "http:"],
        ...(post.mustBePublic ? { lookup: lookUpPublic } : {}),
      });
      stop.onPassed = () => sent.destroy(new Error("no answer in time"));
      sent.on("error", refuse);
      sent.on("response", (answer) => readAnswer(answer, settle, refuse));
      sent.end(post.body);
    });
  }
}

interface Answer {
  status: number;
  location: string | undefined;
  retryAfter: string | null;
}

function readAnswer(
  answer: IncomingMessage,
  settle: (answer: Answer) => void,
  refuse: (error: Error) => void,
): void {
  const { location, "retry-after": retryAfter } = answer.headers;
  const read = { status: answer.statusCode ?? 0, location, retryAfter: retryAfter ?? null };
  let bytes = 0;
  answer.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes <= ANSWER_MAX) return;
    // The status is there, and the rest would say nothing.
    settle(read);
    answer.destroy();
  });
  answer.on("end", () => settle(read));
  answer.on("error", refuse);
}

function toOutcome({ status, retryAfter }: Answer): PostOutcome {
  const isGood = status >= 200 && status < 300;
  return { status, retryAfter, failure: isGood ? "" : `answered ${status}` };
}

function fail(failure: string, status: number): PostOutcome {
  return { status, retryAfter: null, failure };
}

/** A line without the URL, which may hold a secret of the receiver's. */
function describe(error: unknown): string {
  if (error instanceof PrivateAddressError) return "redirects to a private address";
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? `cannot be reached: ${code}` : "cannot be reached";
}

/** Ends a request when its time is over. */
class Deadline {
  hasPassed = false;
  onPassed: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#timer = setTimeout(() => {
      this.hasPassed = true;
      this.onPassed();
    }, ms);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

class PrivateAddressError extends Error {}

/** Looks a name up for a socket and refuses it if any of its addresses is private. */
const lookUpPublic: LookupFunction = (host, options, answer) => {
  lookup(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || !first) answer(error ?? new Error("no address"), []);
    else if (addresses.some(({ address }) => isPrivateAddress(address)))
      answer(new PrivateAddressError(), []);
    else if (options.all) answer(null, addresses);
    else answer(null, first.address, first.family);
  });
};

const PRIVATE_4 = listOf("ipv4", [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
]);

/** All but what is global unicast, and of that what carries an IPv4 address: NAT64 is outside, 6to4 and Teredo are not. */
const PUBLIC_6 = listOf("ipv6", [["2000::", 3]]);
const PRIVATE_6 = listOf("ipv6", [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
]);

function listOf(family: "ipv4" | "ipv6", subnets: [string, number][]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, family);
  return list;
}

/**
 * Whether an address is one of a private network, of this machine, or of no use on the Internet.
 * @internal
 */
export function isPrivateAddress(address: string): boolean {
  if (isIP(address) === 4) return PRIVATE_4.check(address, "ipv4");
  return !PUBLIC_6.check(address, "ipv6") || PRIVATE_6.check(address, "ipv6");
}
