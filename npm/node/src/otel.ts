import {
  type Attributes,
  context,
  type MeterProvider,
  metrics,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { statusOf } from "./errors";
import { operations } from "./internal/observation";
import type { OperationReport } from "./operations";

/** Where spans and metrics go, unless to the providers that are registered globally. */
export interface OpenTelemetryOptions {
  /** Where spans go. */
  tracerProvider?: TracerProvider | undefined;
  /** Where metrics go. */
  meterProvider?: MeterProvider | undefined;
}

const NAME = "@hellojohn/node";

/** Upper bounds of the duration's buckets, in seconds: from a cached answer to a call that waits for a lock. */
const BUCKETS = [
  0.00001, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/**
 * Makes a span of each operation, a child of the span that is active at the call, and the metrics `hellojohn.operation.duration` (a
 * histogram in seconds) and `hellojohn.operation.rows` (a counter), until the returned function is called. Needs the package
 * `@opentelemetry/api`; without providers, OpenTelemetry drops what it gets.
 *
 * Attributes: `hellojohn.operation`, `hellojohn.tenant.id`, `hellojohn.cached`; `error.type` is the code of a refusal or failure. A span has
 * the status of an error only where the operation failed (the codes with a status of 5xx): a refused token is an answer.
 *
 * @example
 * ```js
 * import { observeWithOpenTelemetry } from "@hellojohn/node/otel";
 *
 * const stop = observeWithOpenTelemetry();
 * ```
 */
export function observeWithOpenTelemetry(options: OpenTelemetryOptions = {}): () => void {
  const tracer = (options.tracerProvider ?? trace).getTracer(NAME);
  const meter = (options.meterProvider ?? metrics).getMeter(NAME);
  const durations = meter.createHistogram("hellojohn.operation.duration", {
    description: "How long operations of the session engine take.",
    unit: "s",
    advice: { explicitBucketBoundaries: BUCKETS },
  });
  const rows = meter.createCounter("hellojohn.operation.rows", {
    description: "How many sessions, keys and events operations answer with or change.",
    unit: "{row}",
  });
  const onReport = (message: unknown): void => {
    const report = message as OperationReport;
    const attributes = readAttributes(report);
    durations.record(report.durationMs / 1000, attributes);
    if (report.rows > 0) rows.add(report.rows, attributes);
    const end = performance.timeOrigin + performance.now();
    const span = tracer.startSpan(
      `hellojohn.${report.operation}`,
      { kind: SpanKind.INTERNAL, startTime: end - report.durationMs, attributes },
      context.active(),
    );
    if (report.error !== null && statusOf(report.error) >= 500) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: report.error });
    }
    span.end(end);
  };
  operations.subscribe(onReport);
  return () => {
    operations.unsubscribe(onReport);
  };
}

function readAttributes({ operation, tenantId, error, isFromCache }: OperationReport): Attributes {
  return {
    "hellojohn.operation": operation,
    ...(tenantId !== null && { "hellojohn.tenant.id": tenantId }),
    "hellojohn.cached": isFromCache,
    ...(error !== null && { "error.type": error }),
  };
}
