import type { ErrorCode } from "./generated/types";

/** HTTP statuses by code, as the addon has them. */
const statuses = new Map<string, number>();

/** @internal */
export function learnStatuses(table: Record<string, number>): void {
  for (const [code, status] of Object.entries(table)) statuses.set(code, status);
}

/**
 * The HTTP status for this code.
 * @internal
 */
export function statusOf(code: ErrorCode): number {
  return statuses.get(code) ?? 500;
}

interface ErrorOptions {
  cause?: unknown;
  retryAfter?: number | null;
  maxAge?: number | null;
  factors?: readonly string[];
}

/** The error of every failed call. Branch on `code`. */
export class HelloJohnError extends Error {
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The HTTP status that REST answers with for this code. */
  readonly status: number;
  /** One English line for a developer, without tokens, addresses or secrets; a `validation_error` names the field first. */
  readonly detail: string;
  /** After how many seconds the same call may succeed, for `too_many_requests`; else null. */
  declare readonly retryAfter: number | null;
  /** For `reauthentication_required`: for how many seconds a factor counts after it was passed; null where that does not matter. */
  declare readonly maxAge: number | null;
  /** For `reauthentication_required`: the methods that the user must have passed, all of them; else empty. */
  declare readonly factors: readonly string[];

  /** An error of this code; the package makes them. */
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.status = statusOf(code);
    this.detail = detail;
    if (typeof options?.retryAfter === "number") this.retryAfter = options.retryAfter;
    if (typeof options?.maxAge === "number") this.maxAge = options.maxAge;
    if (options?.factors?.length) this.factors = options.factors;
  }

  static {
    // On the prototype, where Error has it: an own property would show in every printed error.
    Object.defineProperty(HelloJohnError.prototype, "name", {
      value: "HelloJohnError",
      configurable: true,
      writable: true,
    });
    for (const [name, value] of Object.entries({ retryAfter: null, maxAge: null, factors: [] })) {
      Object.defineProperty(HelloJohnError.prototype, name, { value, configurable: true, writable: true });
    }
  }
}

/** What the engine calls differently than this package. */
const renamed: Record<string, string> = { leeway: "clockSkewSeconds", before: "olderThan" };

/**
 * An error of the engine, with the field named as callers of this package know it.
 * @internal
 */
export function engineError(code: string, detail: string): HelloJohnError {
  if (code !== "validation_error") return new HelloJohnError(code as ErrorCode, detail);
  return new HelloJohnError(
    code,
    detail.replace(/^[a-z0-9_.]+(?=: )/, (field) => renamed[field] ?? camelCase(field)),
  );
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** @internal */
export function validationError(field: string, problem: string): HelloJohnError {
  return new HelloJohnError("validation_error", `${field}: ${problem}`);
}
