import type { IncomingMessage } from "node:http";
import { HelloJohnError } from "../errors";
import { Buffer } from "../internal/globals";
import type { RestAdapter, RestAnswer, RestRequest } from "./adapter";
import { ClientDisconnected, readNodeBody } from "./body";
import type { RestOptions } from "./options";

/** The members of a request of `node:http`, Express or Connect that are used. */
export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  /** What Express and Connect have stripped from `url`: the mount path. */
  baseUrl?: string | undefined;
  rawHeaders: string[];
  socket: { remoteAddress?: string | undefined };
}

/** The members of a response that are used. */
export interface NodeResponse {
  statusCode: number;
  headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  appendHeader(name: string, value: string): unknown;
  writeHead(status: number, ...rest: unknown[]): unknown;
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
   * The client's address; default: the address of the socket. Behind a proxy, use what that proxy sets, such as Express'
   * `request.ip` with `trust proxy`; the package itself never trusts `X-Forwarded-For`.
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
 * Reads a request as it came. `frameworkRequest` is the framework's own request, for the host's `clientAddress`.
 * @internal
 */
export async function readNodeRequest(
  adapter: RestAdapter,
  request: NodeRequest,
  frameworkRequest: unknown,
): Promise<RestRequest> {
  const { clientAddress } = adapter.options;
  const address: unknown = clientAddress
    ? clientAddress(frameworkRequest as never, undefined as never)
    : request.socket.remoteAddress;
  return {
    method: request.method ?? "GET",
    // A path outside the prefix gets the API's 404.
    target: adapter.target(request.url ?? "/") ?? "/",
    headers: readRawHeaders(request),
    body: await readNodeBody(request as IncomingMessage).catch(rethrowAsBadRequest),
    address: typeof address === "string" ? address : null,
    stripped: readMountPath(request),
  };
}

/** The mount path of Express; a client chooses it where the mount has parameters, so that odd characters do not count. */
function readMountPath({ baseUrl }: NodeRequest): string {
  return typeof baseUrl === "string" && /^[!-~]{0,512}$/.test(baseUrl) && !/[;,?#]|\/$/.test(baseUrl)
    ? baseUrl
    : "";
}

function rethrowAsBadRequest(error: unknown): never {
  throw error instanceof ClientDisconnected
    ? new HelloJohnError("bad_request", "the body of the request broke off")
    : error;
}

/**
 * Names and values in turn, as they were sent. Of the pseudo-headers of HTTP/2 only the authority is kept, as the host.
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
  addHeaders(response, headers);
  if (body !== "") response.setHeader("content-length", String(Buffer.byteLength(body)));
  response.end(body);
}

/**
 * Adds headers, names and values in turn. The host's other cookies stay, and what the route says of caches does not count.
 * @internal
 */
export function addHeaders(response: NodeResponse, headers: readonly string[]): void {
  if (response.headersSent) return;
  if (headers.includes("set-cookie")) keepFromCaches(response);
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = "", value = ""] = [headers[at], headers[at + 1]];
    if (name === "set-cookie") response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
}

/**
 * Makes the response one that no cache keeps, whatever the route says of it until its head is written: a shared cache would hand the
 * cookies of one user to the next.
 * @internal
 */
export function keepFromCaches(response: Pick<NodeResponse, "setHeader" | "writeHead">): void {
  const { writeHead } = response;
  response.writeHead = (status: number, ...rest: unknown[]) => {
    response.setHeader("cache-control", "no-store");
    return writeHead.call(response, status, ...rest.map(withoutCacheControl));
  };
}

/** The headers that `writeHead` takes, as an object or names and values in turn; its other arguments stay as they are. */
function withoutCacheControl(headers: unknown): unknown {
  if (typeof headers !== "object" || headers === null) return headers;
  const isOther = (name: unknown) => String(name).toLowerCase() !== "cache-control";
  if (!Array.isArray(headers))
    return Object.fromEntries(Object.entries(headers).filter(([name]) => isOther(name)));
  return headers.filter((_, at) => isOther(headers[at - (at % 2)]));
}
