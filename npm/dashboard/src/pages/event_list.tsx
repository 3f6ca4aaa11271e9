import type { Event } from "../api";
import { tellEvent } from "../event_words";
import { formatDay, formatNumber, formatSeconds } from "../format";
import { Icon, Id } from "../parts";

export function EventList({ events, hasSessions }: { events: Event[]; hasSessions: boolean }) {
  const days = new Map<string, Event[]>();
  for (const event of events) {
    const day = event.at.slice(0, 10);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  // Of all sessions they are the whole page, of one they are a section of it.
  const Day = hasSessions ? "h2" : "h3";
  const today = new Date().toISOString().slice(0, 10);
  return (
    <>
      {[...days].map(([day, events]) => (
        <section key={day} aria-label={day}>
          <Day class="day">{day === today ? "Today" : formatDay(Date.parse(day))}</Day>
          <ol class="events">
            {events.map((event) => (
              <Row key={event.seq} event={event} hasSession={hasSessions} />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

function Row({ event, hasSession }: { event: Event; hasSession: boolean }) {
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
        {formatSeconds(Date.parse(event.at))} · {formatNumber(event.seq)}
      </span>
    </li>
  );
}
