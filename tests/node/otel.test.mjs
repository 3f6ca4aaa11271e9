// `@hellojohn/node/otel` with OpenTelemetry's own SDK and its exporters into memory.
import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { join } from "node:path";
import { test } from "node:test";
import { observeWithOpenTelemetry } from "@hellojohn/node/otel";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { isFailure, makeFolder, makeTenantWithClock, TENANT } from "./fixture.mjs";

/** What the engine would tell of a create, with a time that a test chooses. */
const REPORT = {
  operation: "create",
  tenantId: TENANT.tenantId,
  error: null,
  durationMs: 0,
  rows: 1,
  isFromCache: false,
};
const operations = channel("hellojohn:operation");

/** The SDK, as a host sets it up, and what it has exported. */
function makeSdk(t) {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  t.after(async () => {
    context.disable();
    await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
  });
  const readMetrics = async () => {
    await meterProvider.forceFlush();
    const [resource] = exported.getMetrics().slice(-1);
    const [scope] = resource?.scopeMetrics ?? [];
    return new Map(scope?.metrics.map((metric) => [metric.descriptor.name, metric]));
  };
  return { spans, tracerProvider, meterProvider, readMetrics };
}

test("an operation is a span below the caller's, with its outcome", async (t) => {
  const { hj } = makeTenantWithClock(t, { database: join(makeFolder(t), "s.db") });
  await hj.ready();
  const { spans, tracerProvider, meterProvider } = makeSdk(t);
  const stop = observeWithOpenTelemetry({ tracerProvider, meterProvider });
  t.after(stop);
  const before = Date.now();
  const request = tracerProvider.getTracer("host").startSpan("request");
  await context.with(trace.setSpan(context.active(), request), async () => {
    const { session } = await hj.sessions.create({ userId: "usr_1" });
    await hj.sessions.get(session.id);
    await hj.sessions.get(session.id);
    await assert.rejects(hj.sessions.refresh("no token"));
    await hj.close();
  });
  request.end();
  const found = spans.getFinishedSpans().filter(({ name }) => name !== "request");
  const outcome = ({ name, attributes, status, kind, parentSpanContext }) => {
    assert.equal(kind, SpanKind.INTERNAL);
    assert.equal(parentSpanContext?.spanId, request.spanContext().spanId, name);
    assert.equal(attributes["hellojohn.operation"], name.replace("hellojohn.", ""));
    return [
      name,
      attributes["hellojohn.tenant.id"],
      attributes["hellojohn.cached"],
      attributes["error.type"],
      status.code,
    ];
  };
  const { UNSET } = SpanStatusCode;
  assert.deepEqual(found.map(outcome), [
    ["hellojohn.create", TENANT.tenantId, false, undefined, UNSET],
    ["hellojohn.get", TENANT.tenantId, false, undefined, UNSET],
    ["hellojohn.get", TENANT.tenantId, true, undefined, UNSET],
    ["hellojohn.refresh", TENANT.tenantId, false, "refresh_token_invalid", UNSET],
    ["hellojohn.close", undefined, false, undefined, UNSET],
  ]);
  operations.publish({ ...REPORT, durationMs: 250 });
  const create = spans.getFinishedSpans().at(-1);
  assert.deepEqual(create.duration, [0, 250_000_000]);
  const [seconds] = create.endTime;
  assert.ok(seconds >= Math.floor(before / 1000) && seconds <= Math.ceil(Date.now() / 1000));
  assert.equal(create.instrumentationScope.name, "@hellojohn/node");
});

test("a failure makes the span one of an error, a refusal does not", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  await hj.ready();
  const { spans, tracerProvider, meterProvider } = makeSdk(t);
  t.after(observeWithOpenTelemetry({ tracerProvider, meterProvider }));
  await assert.rejects(hj.sessions.revoke("ses_01JGFJJZ00AAAAAAAAAAAAAAAA"), isFailure("session_not_found"));
  clock.set(new Date(Date.UTC(9801, 0, 1))); // which the engine takes for a broken clock
  await assert.rejects(hj.sessions.list("usr_1"), isFailure("internal"));
  const found = spans
    .getFinishedSpans()
    .map(({ attributes, status }) => [attributes["error.type"], status.code]);
  assert.deepEqual(found, [
    ["session_not_found", SpanStatusCode.UNSET],
    ["internal", SpanStatusCode.ERROR],
  ]);
});

test("durations and rows are metrics, until observing stops", async (t) => {
  const { hj } = makeTenantWithClock(t);
  await hj.ready();
  const { tracerProvider, meterProvider, readMetrics } = makeSdk(t);
  const stop = observeWithOpenTelemetry({ tracerProvider, meterProvider });
  t.after(stop);
  operations.publish({ ...REPORT, durationMs: 30 });
  await hj.sessions.create({ userId: "usr_1" });
  await hj.sessions.create({ userId: "usr_1" });
  assert.equal((await hj.sessions.list("usr_1")).length, 2);
  await assert.rejects(hj.sessions.refresh("no token"));
  stop();
  await hj.sessions.create({ userId: "usr_1" });
  const metrics = await readMetrics();
  const duration = metrics.get("hellojohn.operation.duration");
  assert.equal(duration.descriptor.unit, "s");
  const of = (metric, operation) =>
    metric.dataPoints.find(({ attributes }) => attributes["hellojohn.operation"] === operation);
  const { attributes, value } = of(duration, "create");
  assert.deepEqual(attributes, {
    "hellojohn.operation": "create",
    "hellojohn.tenant.id": TENANT.tenantId,
    "hellojohn.cached": false,
  });
  assert.equal(value.count, 3);
  assert.equal(value.sum, 0.03);
  const { boundaries, counts } = value.buckets;
  assert.equal(counts[boundaries.indexOf(0.05)], 1);
  assert.equal(of(duration, "refresh").attributes["error.type"], "refresh_token_invalid");
  const rows = metrics.get("hellojohn.operation.rows");
  assert.equal(of(rows, "create").value, 3);
  assert.equal(of(rows, "list").value, 2);
  assert.equal(of(rows, "refresh"), undefined);
});
