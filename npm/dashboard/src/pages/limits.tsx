import type { Explanation, Session } from "../api";
import {
  describeDuration,
  describeReason,
  formatDate,
  formatDay,
  formatOrdinal,
  formatRelative,
} from "../format";
import { Icon, Time } from "../parts";
import { useDashboard } from "../state";

/** What ends a session, each limit on one axis of time. */
export function Limits({ session, explanation }: { session: Session; explanation: Explanation }) {
  return (
    <section aria-labelledby="explain">
      <div class="section-head">
        <h2 id="explain">{explanation.ends_at ? "What ends it" : "What ended it"}</h2>
      </div>
      {explanation.ends_at ? (
        <Coming session={session} explanation={explanation} endsAt={explanation.ends_at} />
      ) : (
        <p class="verdict">
          <Icon name={explanation.end_reason === "refresh_token_reuse" ? "alert" : "clock"} />
          <span>
            <strong>{describeReason(explanation.end_reason)}</strong>
            {explanation.ended_at && `, ${formatDate(Date.parse(explanation.ended_at))}`}. An end is final.
          </span>
        </p>
      )}
    </section>
  );
}

function Coming({
  session,
  explanation,
  endsAt,
}: {
  session: Session;
  explanation: Explanation;
  endsAt: string;
}) {
  const { settings } = useDashboard();
  const [begins, now, ends] = [
    session.created_at,
    explanation.explained_at,
    explanation.duration_ends_at ?? endsAt,
  ].map((at) => Date.parse(at)) as [number, number, number];
  const place = (at: number) =>
    `${Math.max(0, Math.min(100, ((at - begins) / (ends - begins)) * 100)).toFixed(1)}%`;
  const width = (from: number, to: number) =>
    `${Math.max(0.5, Math.min(100, ((to - from) / (ends - begins)) * 100)).toFixed(1)}%`;
  const idle = explanation.idle_timeout_ends_at ? Date.parse(explanation.idle_timeout_ends_at) : null;
  const isIdleFirst = explanation.ends_by === "idle_timeout";
  const token = Date.parse(explanation.access_token_ends_at);
  const cap = explanation.max_sessions_per_user;
  return (
    <>
      <p class="verdict">
        <Icon name="clock" />
        <span>
          Ends on <strong>{formatDate(Date.parse(endsAt))}</strong>
          {isIdleFirst
            ? ` by idle timeout, unless it is used before. At the latest on ${formatDate(ends)}.`
            : " by session duration, however much it is used."}
        </span>
      </p>
      <div class="limits">
        {idle !== null && (
          <div class={`limit${isIdleFirst ? " limit-first" : ""}`}>
            <span>
              <strong>Idle timeout</strong>
              <br />
              <span class="hint">{describeDuration(settings.idle_timeout ?? "")} without use</span>
            </span>
            <svg
              class="track"
              role="img"
              aria-label={`Idle timeout, from the last use to ${formatDate(idle)}`}
            >
              <rect class="track-base" x="0" y="11" width="100%" height="6" rx="3" />
              <rect class="track-left" x={place(now)} y="9" width={width(now, idle)} height="10" rx="3" />
              <line class="track-now" x1={place(now)} x2={place(now)} y1="3" y2="25" />
            </svg>
            <span class="limit-when">
              <Time at={idle} />
              <br />
              {isIdleFirst && <span class="badge badge-accent">Comes first</span>}
            </span>
          </div>
        )}
        <div class={`limit${isIdleFirst ? "" : " limit-first"}`}>
          <span>
            Session duration
            <br />
            <span class="hint">fixed at sign-in</span>
          </span>
          <svg class="track" role="img" aria-label={`Session duration, from sign-in to ${formatDate(ends)}`}>
            <rect class="track-base" x="0" y="11" width="100%" height="6" rx="3" />
            <rect class="track-past" x="0%" y="11" width={width(begins, now)} height="6" rx="3" />
            <rect class="track-left" x={place(now)} y="9" width={width(now, ends)} height="10" rx="3" />
            <line class="track-now" x1={place(now)} x2={place(now)} y1="3" y2="25" />
          </svg>
          <span class="limit-when">
            <Time at={ends} />
            <br />
            {isIdleFirst ? (
              <span class="hint">fixed</span>
            ) : (
              <span class="badge badge-accent">Comes first</span>
            )}
          </span>
        </div>
        <div class="limit">
          <span>
            Access token
            <br />
            <span class="hint">{describeDuration(settings.access_token_ttl)}, renewed by use</span>
          </span>
          <svg
            class="track"
            role="img"
            aria-label={`Access token, ${token > now ? "valid until" : "ended at"} ${formatDate(token)}`}
          >
            <rect class="track-base" x="0" y="11" width="100%" height="6" rx="3" />
            <circle class="track-left" cx={place(token)} cy="14" r="5" />
            <line class="track-now" x1={place(now)} x2={place(now)} y1="3" y2="25" />
          </svg>
          <span class="limit-when">
            {formatRelative(token, now)}
            <br />
            <span class="hint">session goes on</span>
          </span>
        </div>
        {cap !== null && explanation.rank !== null && explanation.active_sessions !== null && (
          <Places
            cap={cap}
            rank={explanation.rank}
            active={explanation.active_sessions}
            evictedBy={explanation.evicted_by_sign_in}
          />
        )}
        <div class="limit limit-axis">
          <span />
          <svg class="track track-axis" aria-hidden="true">
            <text x="0" y="12">
              {formatDay(begins)}, sign-in
            </text>
            <text class="track-here" x={place(now)} y="12" text-anchor="middle">
              {(now - begins) / (ends - begins) > 0.25 && (now - begins) / (ends - begins) < 0.85
                ? "now"
                : ""}
            </text>
            <text x="100%" y="12" text-anchor="end">
              {formatDay(ends)}
            </text>
          </svg>
          <span />
        </div>
      </div>
    </>
  );
}

interface PlacesProps {
  cap: number;
  rank: number;
  active: number;
  evictedBy: number | null;
}

/** The cap as places; of a large one only its numbers. */
function Places({ cap, rank, active, evictedBy }: PlacesProps) {
  const places = Array.from({ length: Math.min(cap, 12) }, (_, index) => {
    if (index + 1 === rank) return "slot slot-this";
    return index < active ? "slot" : "slot slot-free";
  });
  const said = `Number ${rank} of ${active} active sessions, oldest first; at most ${cap}`;
  return (
    <div class="limit">
      <span>
        Sessions per user
        <br />
        <span class="hint">at most {cap}</span>
      </span>
      {cap <= 12 ? (
        <span class="slots" role="img" aria-label={said}>
          {places.map((place, index) => (
            <span key={index} class={place} />
          ))}
        </span>
      ) : (
        <span class="hint">{said}</span>
      )}
      <span class="limit-when">
        {active === 1
          ? "the only one"
          : `${rank === 1 ? "oldest" : rank === active ? "newest" : formatOrdinal(rank)} of ${active}`}
        <br />
        {evictedBy !== null && <span class="hint">{formatOrdinal(evictedBy)} new sign-in ends it</span>}
      </span>
    </div>
  );
}
