import type { IncomingMessage } from "node:http";
import { HelloJohnError } from "../errors";
import type { RestAdapter, RestAnswer, RestRequest } from "./adapter";
import { ClientDisconnected, readNodeBody } from "./body";
import type { RestOptions } from "./options";

/** What is used of a request of `node:http`, Express or Connect. */
export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  rawHeaders: string[];
  socket: { remoteAddress?: string | undefined };
}

/** What is used of its response. */
export interface NodeResponse {
  statusCode: number;
  headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  appendHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** A middleware of Express or Connect; without `next` a listener of `node:http`. */
export type Middleware<Req extends NodeRequest = NodeRequest> = (
  request: Req,
  response: NodeResponse,
  next?: (error?: unknown) => void,
) => void;

/** How `hj.middleware` offers the REST API. */
export interface MiddlewareOptions<Req extends NodeRequest = NodeRequest> extends RestOptions {
  /**
   * Where a request comes from; default: the address of its socket. Behind a proxy, take what that proxy sets, such as
   * Express' `request.ip` with `trust proxy`; `X-Forwarded-For` is never believed by itself.
   */
  clientAddress?: ((request: Req) => string | null | undefined) | undefined;
}

/** @internal */
export function createMiddleware<Req extends NodeRequest>(adapter: RestAdapter): Middleware<Req> {
  return (request, response, next) => {
    if (next && !adapter.owns(request.url ?? "/")) return next();
    void adapter
      .answer(() => readNodeRequest(adapter, request, request))
      .then((answer) => sendAnswer(response, answer));
  };
}

/**
 * A request as it came. `asked` is what the host's `clientAddress` gets: the framework's own request.
 * @internal
 */
export async function readNodeRequest(
  adapter: RestAdapter,
  request: NodeRequest,
  asked: unknown,
): Promise<RestRequest> {
  const { clientAddress } = adapter.options;
  const address: unknown = clientAddress
    ? clientAddress(asked as never, undefined as never)
    : request.socket.remoteAddress;
  return {
    method: request.method ?? "GET",
    // What is not under the prefix is no path of the API.
    target: adapter.target(request.url ?? "/") ?? "/",
    headers: readRawHeaders(request),
    body: await readNodeBody(request as IncomingMessage).catch(rethrowAsBadRequest),
    address: typeof address === "string" ? address : null,
  };
}

function rethrowAsBadRequest(error: unknown): never {
  throw error instanceof ClientDisconnected
    ? new HelloJohnError("bad_request", "the body of the request broke off")
    : error;
}

/**
 * Names and values in turn, as they were sent; HTTP/2's own are left out, but for the host.
 * @internal
 */
export function readRawHeaders({ rawHeaders }: NodeRequest): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (name === ":authority") headers.push("host", value);
    else if (!name.startsWith(":")) headers.push(name, value);
  }
  return headers;
}

/** @internal */
export function sendAnswer(response: NodeResponse, { status, headers, body }: RestAnswer): void {
  // Another part of the host has answered already, such as its time limit.
  if (response.headersSent) return;
  response.statusCode = status;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = "", value = ""] = [headers[at], headers[at + 1]];
    // The host's other cookies stay.
    if (name === "set-cookie") response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  if (body !== "") response.setHeader("content-length", String(Buffer.byteLength(body)));
  response.end(body);
}
