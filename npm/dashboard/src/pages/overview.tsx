import { useState } from "preact/hooks";
import type { Period, Stats } from "../api";
import { Chart } from "../chart";
import { readNewestEvents } from "../events";
import {
  formatBytes,
  formatClock,
  formatDay,
  formatExact,
  formatLength,
  formatNumber,
  REASONS,
} from "../format";
import { Bars, Failure, Icon, Loading, PageHead, Segmented } from "../parts";
import { useDashboard, useLoaded } from "../state";

const SPANS = [
  ["24h", "24 hours"],
  ["30d", "30 days"],
] as const;

export function Overview() {
  const { ask, newestEvents } = useDashboard();
  const [span, setSpan] = useState("24h");
  const loaded = useLoaded(
    async (signal) => {
      const stats = await ask<Stats>("v1/admin/stats", { query: { series: span }, signal });
      newestEvents.current = readNewestEvents(stats);
      return { stats, span };
    },
    [span],
  );
  return (
    <div class="page">
      <PageHead
        title="Overview"
        aside={<p class="quiet">{loaded.loadedAt > 0 && `${formatExact(loaded.loadedAt)} UTC`}</p>}
      >
        <Segmented legend="Time" name="span" value={span} choices={SPANS} change={setSpan} />
      </PageHead>
      {loaded.error !== null && <Failure error={loaded.error} retry={loaded.reload} />}
      {loaded.isLoading && !loaded.data && <Loading lines={8} />}
      {loaded.data && <Numbers {...loaded.data} />}
    </div>
  );
}

const sum = (periods: Period[], of: (period: Period) => number) =>
  periods.reduce((total, period) => total + of(period), 0);

function Numbers({ stats, span }: { stats: Stats; span: string }) {
  const { settings } = useDashboard();
  const periods = stats.series ?? [];
  const isDay = span === "24h";
  const label = isDay ? "24 h" : "30 days";
  const ended = sum(periods, (period) => period.ended);
  const reused = sum(periods, (period) => period.ended_refresh_token_reuse ?? 0);
  const signedOut = sum(periods, (period) => period.ended_sign_out ?? 0);
  const name = (at: string) => {
    const millis = Date.parse(at);
    return isDay ? formatClock(millis) : formatDay(millis);
  };
  const points = (of: (period: Period) => number) =>
    periods.map((period): [string, number] => [
      isDay ? `${name(period.begins_at)} – ${name(period.ends_at)}` : name(period.ends_at),
      of(period),
    ]);
  const axis = [0, 0.25, 0.5, 0.75].map((part) =>
    name(periods[Math.floor(part * periods.length)]?.begins_at ?? ""),
  );
  const reasons = Object.entries(REASONS)
    .map(([reason, label]): [string, number] => [
      label,
      sum(periods, (period) => period[`ended_${reason}`] ?? 0),
    ])
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one);
  const isShortIdle = settings.warnings?.includes("idle_timeout_below_two_access_tokens");
  return (
    <>
      {(reused > 0 || isShortIdle || stats.clock_ahead_ms > 0) && (
        <ul class="attention">
          {reused > 0 && (
            <li class="note note-warn">
              <Icon name="alert" />
              <div>
                <strong>
                  An old refresh token was presented for {formatNumber(reused)}{" "}
                  {reused === 1 ? "session" : "sessions"}.
                </strong>{" "}
                {reused === 1 ? "It was" : "They were"} ended. The tokens may have been copied.{" "}
                <a href="#/sessions?status=revoked&end_reason=refresh_token_reuse">
                  Look at {reused === 1 ? "it" : "them"}
                </a>
              </div>
            </li>
          )}
          {isShortIdle && (
            <li class="note note-warn">
              <Icon name="alert" />
              <div>
                <strong>The idle timeout is shorter than two access tokens.</strong> Only a refresh counts as
                use: a user who is at work may be signed out. <a href="#/settings">Look at the settings</a>
              </div>
            </li>
          )}
          {stats.clock_ahead_ms > 0 && (
            <li class="note note-warn">
              <Icon name="alert" />
              <div>
                <strong>
                  The database has seen a time that is {formatLength(stats.clock_ahead_ms)} ahead of the
                  clock.
                </strong>{" "}
                It keeps to that time. If it was false, lower the clock mark.
              </div>
            </li>
          )}
        </ul>
      )}
      <dl class="stats">
        <Figure title="Active now" value={formatNumber(stats.sessions.active)}>
          {formatNumber(stats.sessions.expired + stats.sessions.revoked)} ended ones are kept
        </Figure>
        <Figure title={`Sign-ins, ${label}`} value={formatNumber(sum(periods, (period) => period.created))}>
          {isDay
            ? `at most ${formatNumber(Math.max(...periods.map(({ created }) => created)))} in an hour`
            : `${formatNumber(stats.created_last_24h)} in the last 24 hours`}
        </Figure>
        <Figure title={`Ends, ${label}`} value={formatNumber(ended)}>
          {formatNumber(signedOut)} of them signed out
        </Figure>
        <Figure title={`Old tokens used, ${label}`} value={formatNumber(reused)}>
          {reused === 0 ? "none" : "their sessions were ended"}
        </Figure>
        <Figure title="Database" value={formatBytes(stats.database_bytes + stats.log_bytes)}>
          {stats.oldest_unswept_at
            ? `oldest unswept end: ${formatLength(Date.now() - Date.parse(stats.oldest_unswept_at))}`
            : "every end is written down"}
        </Figure>
      </dl>
      <div class="charts">
        <Chart
          title="Active sessions"
          kind="line"
          span="span-6"
          what="Time"
          points={points((period) => period.active)}
          summary={`now: ${formatNumber(stats.sessions.active)}`}
          axis={[...axis, "now"]}
        />
        <Chart
          title={isDay ? "Sign-ins an hour" : "Sign-ins a day"}
          kind="bars"
          span="span-4"
          what={isDay ? "Hour" : "Day"}
          points={points((period) => period.created)}
          summary={`${label}: ${formatNumber(sum(periods, (period) => period.created))}`}
          axis={[...axis, "now"]}
        />
        <section class="card span-2" aria-labelledby="reasons">
          <div class="card-head">
            <h2 id="reasons">Why sessions ended</h2>
            <span class="figure">{label}</span>
          </div>
          {reasons.length > 0 ? (
            <Bars items={reasons} alert={REASONS["refresh_token_reuse"] ?? ""} />
          ) : (
            <p class="hint">No session ended in this time.</p>
          )}
        </section>
      </div>
      <p class="hint charts-source">From the records of sessions: those that were deleted are not counted.</p>
    </>
  );
}

function Figure({
  title,
  value,
  children,
}: {
  title: string;
  value: string;
  children: preact.ComponentChildren;
}) {
  return (
    <div class="stat">
      <dt>{title}</dt>
      <dd>{value}</dd>
      <dd class="hint">{children}</dd>
    </div>
  );
}
