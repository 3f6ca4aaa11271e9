import { HelloJohnError } from "../errors";
import { answerBudget } from "../internal/event_loop_budget";
import { URL } from "../internal/globals";
import { BODY_MAX, type RestAdapter, type RestAnswer } from "./adapter";
import type { RestOptions } from "./options";

/** About how long it takes to read a `Request`, in µs, spread over steps that cannot be measured together. */
const READING = 100;

/** How `hj.createHandler` offers the REST API. */
export interface HandlerOptions<Context = unknown> extends RestOptions {
  /**
   * The client's address, which a `Request` does not hold: gets the request and the second argument of the handler. Behind
   * a proxy, use what that proxy sets. Default, and for a value that is no address: unknown.
   */
  clientAddress?: ((request: Request, context: Context) => string | null | undefined) | undefined;
}

/** Answers requests of the Fetch API. */
export type Handler<Context = unknown> = (request: Request, context?: Context) => Promise<Response>;

/** @internal */
export function createFetchHandler(adapter: RestAdapter): Handler {
  const { clientAddress } = adapter.options;
  return async (request, context) => {
    const answer = await adapter.answer(async () => {
      const pause = answerBudget.yieldIfSpent(READING);
      if (pause) await pause;
      const url = new URL(request.url);
      const address: unknown = clientAddress?.(request as never, context as never);
      return {
        method: request.method,
        // A path outside the prefix gets the API's 404.
        target: adapter.target(request.url) ?? "/",
        headers: readFetchHeaders(request, url),
        body: await readFetchBody(request),
        address: typeof address === "string" ? address : null,
        stripped: "",
      };
    });
    return toResponse(answer);
  };
}

/** @internal */
export function toResponse({ status, headers, body }: RestAnswer): Response {
  // Looked up for each answer: a test environment may install its own after this package was loaded.
  return new Response(body === "" ? null : body, { status, headers: toPairs(headers) });
}

/**
 * Names and values in pairs.
 * @internal
 */
export function toPairs(headers: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) pairs.push([headers[at] ?? "", headers[at + 1] ?? ""]);
  return pairs;
}

/**
 * Names and values in turn. The host has merged a header that was sent twice; the API does not take that for a credential.
 * @internal
 */
export function readFetchHeaders(request: Request, url: URL): string[] {
  const headers = [...request.headers].flat();
  if (!request.headers.has("host")) headers.push("host", url.host);
  return headers;
}

async function readFetchBody(request: Request): Promise<Uint8Array> {
  if (request.bodyUsed)
    throw new HelloJohnError("internal", "something else has read the body of the request");
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const body = new Uint8Array(BODY_MAX + 1);
  let length = 0;
  try {
    while (length <= BODY_MAX) {
      const { done, value } = await reader.read();
      if (done) return body.subarray(0, length);
      const chunk = value.subarray(0, body.length - length);
      body.set(chunk, length);
      length += chunk.length;
    }
  } catch {
    throw new HelloJohnError("bad_request", "the body of the request broke off");
  }
  // Not awaited: the host decides what happens to the rest of the body.
  reader.cancel().catch(() => undefined);
  return body;
}
