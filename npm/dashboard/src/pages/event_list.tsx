import type { Event } from "../api";
import { tellEvent } from "../event_words";
import { formatDay, formatNumber, formatSeconds } from "../format";
import { Icon, Id } from "../parts";

const readDay = (at: string) => at.slice(0, 10);

/**
 * Events, newest record first, in days. What the clock did may be recorded long after it: an event of a day before that of an
 * older record stands under the later day, and its row says its own.
 */
function groupByDay(events: Event[]): [string, Event[]][] {
  const days: [string, Event[]][] = [];
  for (const event of events.toReversed()) {
    const newest = days.at(-1);
    if (newest && readDay(event.at) <= newest[0]) newest[1].push(event);
    else days.push([readDay(event.at), [event]]);
  }
  return days.reverse().map(([day, events]) => [day, events.reverse()]);
}

function nameDay(day: string): string {
  const daysAgo = Math.round((Date.parse(readDay(new Date().toISOString())) - Date.parse(day)) / 86_400_000);
  return ["Today", "Yesterday"][daysAgo] ?? formatDay(Date.parse(day));
}

export function EventList({ events, hasSessions }: { events: Event[]; hasSessions: boolean }) {
  // Of all sessions they are the whole page, of one they are a section of it.
  const Day = hasSessions ? "h2" : "h3";
  return (
    <>
      {groupByDay(events).map(([day, events]) => (
        <section key={day} aria-label={day}>
          <Day class="day">{nameDay(day)}</Day>
          <ol class="events">
            {events.map((event) => (
              <Row key={event.seq} event={event} day={day} hasSession={hasSessions} />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

function Row({ event, day, hasSession }: { event: Event; day: string; hasSession: boolean }) {
  const { icon, tone, what, more } = tellEvent(event);
  return (
    <li class="event">
      <span class={`event-dot ${tone}`}>
        <Icon name={icon} size="icon-s" />
      </span>
      <span class="event-what">
        {what}
        {hasSession && event.session_id && (
          <>
            {": "}
            <a href={`#/sessions/${event.session_id}`}>
              <Id of={event.session_id} />
            </a>
          </>
        )}
        <span class="event-meta">{more.filter(Boolean).join(" · ")}</span>
      </span>
      <span class="event-when">
        {readDay(event.at) !== day && `${formatDay(Date.parse(event.at))}, `}
        {formatSeconds(Date.parse(event.at))} · {formatNumber(event.seq)}
      </span>
    </li>
  );
}
