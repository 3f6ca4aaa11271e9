/**
 * Nest, on Express or Fastify: a guard and decorators.
 *
 * @example
 * ```ts
 * // auth.ts
 * import * as nest from "@nestjs/common";
 * import { createNestAuth } from "@hellojohn/node/nest";
 *
 * export const { AuthGuard, CurrentAuth, RequireAuth } = createNestAuth(hj, nest);
 *
 * // account.controller.ts
 * @Controller("account")
 * export class AccountController {
 *   @Get()
 *   @RequireAuth()
 *   show(@CurrentAuth() auth: Auth) {
 *     return auth;
 *   }
 *
 *   @Post("transfer")
 *   @RequireAuth({ role: "admin", mfa: true, maxAge: "5m" })
 *   transfer() {}
 * }
 * ```
 */
import type { HelloJohn } from "./hellojohn";
import type { Auth, RequireAuthOptions } from "./rest/auth_guard";
import { addReplyHeaders, type FastifyReplyLike } from "./rest/fastify";
import { addHeaders, type NodeRequest, type NodeResponse } from "./rest/node_http";

/** The members of an execution context of Nest that are used. */
export interface NestContext {
  switchToHttp(): { getRequest<T = unknown>(): T; getResponse<T = unknown>(): T };
}

/** A guard of Nest. */
export interface NestGuard {
  canActivate(context: NestContext): Promise<boolean>;
}

/** What is used of `@nestjs/common`, from release 9 on. The host passes it, so that there is one copy of it. */
export interface NestCommon {
  // biome-ignore lint/suspicious/noExplicitAny: the decorators of Nest take guards of its own type, which NestGuard fits
  UseGuards(...guards: any[]): MethodDecorator & ClassDecorator;
  createParamDecorator(
    // biome-ignore lint/suspicious/noExplicitAny: its context is Nest's own type, which NestContext is a part of
    factory: (data: any, context: any) => unknown,
  ): (...data: never[]) => ParameterDecorator;
  HttpException: new (body: Record<string, unknown>, status: number) => Error;
}

/** What {@link createNestAuth} makes. */
export interface NestAuth {
  /** A guard for `@UseGuards`, `app.useGlobalGuards` and the like; throws `validation_error`. */
  AuthGuard(options?: RequireAuthOptions): NestGuard;
  /** A decorator of a route or a controller: only users pass who are signed in as the options require; throws `validation_error`. */
  RequireAuth(options?: RequireAuthOptions): MethodDecorator & ClassDecorator;
  /** A decorator of a parameter: the user; null for an anonymous request that may pass, and where no guard stands in front. */
  CurrentAuth(): ParameterDecorator;
}

/** A request and a response of either platform: Fastify's hold those of `node:http`. */
type PlatformRequest = (NodeRequest | { raw: NodeRequest }) & { auth?: Auth | null };
type PlatformResponse = NodeResponse | FastifyReplyLike;

/** Makes the guard and the decorators. With `cookie.access` the guard renews cookies on the way. */
export function createNestAuth(hj: HelloJohn, nest: NestCommon): NestAuth {
  const AuthGuard = (options?: RequireAuthOptions): NestGuard => {
    const authorize = hj.pageGuard<NodeRequest>(options as RequireAuthOptions<NodeRequest>);
    return {
      async canActivate(context) {
        const http = context.switchToHttp();
        const request = http.getRequest<PlatformRequest>();
        const { auth, response, headers } = await authorize("raw" in request ? request.raw : request);
        const answer = http.getResponse<PlatformResponse>();
        if (response) {
          sendHeaders(answer, [...response.headers]);
          const body = response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
          // Nest's filters of exceptions write it, or the host's own.
          throw new nest.HttpException(body, response.status);
        }
        sendHeaders(answer, headers);
        request.auth = auth;
        return true;
      },
    };
  };
  const decorateParameter = nest.createParamDecorator(
    (_: unknown, context: NestContext) => context.switchToHttp().getRequest<PlatformRequest>().auth ?? null,
  );
  return {
    AuthGuard,
    RequireAuth: (options) => nest.UseGuards(AuthGuard(options)),
    CurrentAuth: () => decorateParameter(),
  };
}

function sendHeaders(answer: PlatformResponse, headers: [string, string][]): void {
  // The length and the type of the body are those of what Nest writes.
  const sent = headers.filter(([name]) => name !== "content-length" && name !== "content-type");
  if ("setHeader" in answer) addHeaders(answer, sent.flat());
  else addReplyHeaders(answer, sent.flat());
}
