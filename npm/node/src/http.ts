import type { IncomingMessage } from "node:http";
import { Gone, nodeBody } from "./body";
import { HelloJohnError } from "./error";
import type { RestAnswer, RestDoor, RestRequest } from "./rest";
import type { RestOptions } from "./rest_options";

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
export function middleware<Req extends NodeRequest>(door: RestDoor): Middleware<Req> {
  return (request, response, next) => {
    if (next && !door.owns(request.url ?? "/")) return next();
    void door.answer(() => nodeRequest(door, request, request)).then((answer) => send(response, answer));
  };
}

/**
 * A request as it came. `asked` is what the host's `clientAddress` gets: the framework's own request.
 * @internal
 */
export async function nodeRequest(
  door: RestDoor,
  request: NodeRequest,
  asked: unknown,
): Promise<RestRequest> {
  const { clientAddress } = door.options;
  const address: unknown = clientAddress
    ? clientAddress(asked as never, undefined as never)
    : request.socket.remoteAddress;
  return {
    method: request.method ?? "GET",
    // What is not under the prefix is no path of the API.
    target: door.target(request.url ?? "/") ?? "/",
    headers: rawHeaders(request),
    body: await nodeBody(request as IncomingMessage).catch(brokenOff),
    address: typeof address === "string" ? address : null,
  };
}

function brokenOff(error: unknown): never {
  throw error instanceof Gone
    ? new HelloJohnError("bad_request", "the body of the request broke off")
    : error;
}

/**
 * Names and values in turn, as they were sent; HTTP/2's own are left out, but for the host.
 * @internal
 */
export function rawHeaders({ rawHeaders }: NodeRequest): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (name === ":authority") headers.push("host", value);
    else if (!name.startsWith(":")) headers.push(name, value);
  }
  return headers;
}

/** @internal */
export function send(response: NodeResponse, { status, headers, body }: RestAnswer): void {
  // Somebody else has answered already, a time limit of the host say.
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
