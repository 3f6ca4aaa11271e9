import { callBudget } from "../internal/event_loop_budget";
import { URL } from "../internal/globals";
import { type Auth, type AuthGuard, type GuardOutcome, readSetCookies } from "./auth_guard";
import { readFetchHeaders, toPairs, toResponse } from "./fetch";
import {
  addHeaders,
  type Middleware,
  type NodeRequest,
  type NodeResponse,
  readRawHeaders,
  sendAnswer,
} from "./node_http";

/** The outcome of `hj.authorizePage`. */
export interface PageAuth {
  /** The user; null where there is a `response`, and for an anonymous request that may pass. */
  auth: Auth | null;
  /** What to answer instead of the page: a refusal, or 204 for a CORS preflight. It has the headers already. */
  response: Response | null;
  /** Names and values of headers to append to the host's own response: cookies that were renewed or cleared. */
  headers: [string, string][];
  /** The `Cookie` header as code behind this call should see it: with the renewed cookies in place of the former ones. */
  cookie: string;
}

/** @internal */
export function createAuthMiddleware<Req extends NodeRequest>(guard: AuthGuard): Middleware<Req> {
  const check = async (request: Req, response: NodeResponse, next?: () => void) => {
    const found = await guard.check(request.method ?? "GET", readRawHeaders(request), request, true);
    if (found.refusal) return sendAnswer(response, found.refusal);
    addHeaders(response, found.headers);
    (request as { auth?: Auth | null }).auth = found.auth;
    next?.();
  };
  return (request, response, next) => {
    const auth = guard.recall(request.method ?? "GET", request.rawHeaders);
    if (!auth) return void check(request, response, next);
    (request as { auth?: Auth | null }).auth = auth;
    next?.();
  };
}

/** @internal */
export async function authorizeRequest(
  guard: AuthGuard,
  request: Request | NodeRequest,
): Promise<Auth | null | Response> {
  const { auth, refusal } = await checkRequest(guard, request, false);
  return refusal ? toResponse(refusal) : auth;
}

/** @internal */
export async function authorizePage(guard: AuthGuard, request: Request | NodeRequest): Promise<PageAuth> {
  const found = await checkRequest(guard, request, true);
  const sent = found.refusal?.headers ?? found.headers;
  return {
    auth: found.auth,
    response: found.refusal ? toResponse(found.refusal) : null,
    headers: toPairs(found.headers),
    cookie: mergeCookies(readHeaders(request), readSetCookies(sent)),
  };
}

/** Checks a request whose host waits for a promise: a loop of such calls lets the event loop turn. */
async function checkRequest(
  guard: AuthGuard,
  request: Request | NodeRequest,
  renews: boolean,
): Promise<GuardOutcome> {
  while (callBudget.isSpent) await callBudget.renewed();
  const method = request.method ?? "GET";
  const [headers, auth] = callBudget.charge(() => {
    const sent = readHeaders(request);
    return [sent, guard.recall(method, sent)] as const;
  });
  return auth ? { auth, refusal: null, headers: [] } : guard.check(method, headers, request, renews);
}

function readHeaders(request: Request | NodeRequest): string[] {
  return "rawHeaders" in request ? readRawHeaders(request) : readFetchHeaders(request, new URL(request.url));
}

/** The `Cookie` header after these cookies were set. */
function mergeCookies(headers: readonly string[], set: readonly string[]): string {
  const sent = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === "cookie");
  const nameOf = (pair: string) => pair.split("=", 1)[0]?.trim() ?? "";
  const changed = new Map(
    set.map((cookie) => cookie.split(";", 1)[0] ?? "").map((pair) => [nameOf(pair), pair]),
  );
  const kept = sent.flatMap((line) => line.split(";")).filter((pair) => !changed.has(nameOf(pair)));
  const added = [...changed.values()].filter((pair) => !pair.endsWith("="));
  return [...kept, ...added]
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .join("; ");
}
