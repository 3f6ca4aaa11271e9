import { useEffect, useState } from "preact/hooks";
import type { Event, EventPage } from "../api";
import { findEventsBefore, findNewestEvent } from "../events";
import { formatNumber } from "../format";
import { Empty, Failure, Loading, PageHead, Segmented } from "../parts";
import { useDashboard, useLoaded } from "../state";
import { EventList } from "./event_list";

const KINDS = [
  ["all", "All"],
  ["session.created", "Sign-ins"],
  ["session.ended", "Ends"],
  [
    "session.updated,session.purged,config.updated,key.rotated,key.retired,secret_key.changed,refresh_key.rotated",
    "Changes",
  ],
] as const;

const ROWS = 50;
const CALLS_MAX = 20;
const POLL_MS = 5_000;
/** Older ones fall off the page while new ones come in. */
const SHOWN_MAX = 1_000;

export function Events() {
  const { ask, settings, newestEvent } = useDashboard();
  const [kind, setKind] = useState("all");
  const query: Record<string, string> = kind === "all" ? {} : { types: kind };
  const [events, setEvents] = useState<Event[]>([]);
  const [newest, setNewest] = useState(0);
  const [before, setBefore] = useState(0);
  const first = useLoaded(
    async (signal) => {
      const newest = await findNewestEvent(ask, newestEvent, signal);
      const found = await findEventsBefore(ask, newest, query, ROWS, CALLS_MAX, signal);
      setEvents(found.events);
      setNewest(newest);
      setBefore(found.before);
      return true;
    },
    [kind],
  );
  const [isOlder, setOlder] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const loadOlder = async () => {
    setOlder(true);
    try {
      const found = await findEventsBefore(ask, before, query, ROWS, CALLS_MAX, new AbortController().signal);
      setEvents((events) => [...events, ...found.events]);
      setBefore(found.before);
      setFailure(null);
    } catch (error) {
      setFailure(error);
    }
    setOlder(false);
  };
  const isRecording = settings.event_retention !== null;
  const isLive = isRecording && first.data === true;
  useEffect(() => {
    if (!isLive) return;
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (document.hidden) return;
      ask<EventPage>("v1/events", {
        query: { ...query, after: `${newest}`, limit: "100" },
        signal: controller.signal,
      }).then(
        (page) => {
          setFailure(null);
          if (page.pagination.next_after === newest) return;
          setEvents((events) =>
            [...page.data.toReversed(), ...events].slice(0, Math.max(events.length, SHOWN_MAX)),
          );
          setNewest(page.pagination.next_after);
        },
        (error) => {
          if (!controller.signal.aborted) setFailure(error);
        },
      );
    }, POLL_MS);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [isLive, newest, kind]);
  return (
    <div class="page page-narrow">
      <PageHead title="Events" aside={isLive && failure === null ? <p class="live">Live</p> : undefined} />
      {!isRecording && (
        <Empty title="Events are off">
          Nothing is recorded until “Keep events” is set in the <a href="#/settings">session settings</a>.
          What was recorded before is below.
        </Empty>
      )}
      <div class="filterbar">
        <Segmented legend="Kind" name="kind" value={kind} choices={KINDS} change={setKind} isFill />
      </div>
      {first.error !== null && <Failure error={first.error} retry={first.reload} />}
      {failure !== null && <Failure error={failure} />}
      {first.isLoading && events.length === 0 && <Loading />}
      <EventList events={events} hasSessions />
      {first.data && events.length === 0 && isRecording && before === 0 && (
        <Empty title="No event yet">Sign-ins, ends and changes appear here as they happen.</Empty>
      )}
      {first.data && (
        <div class="pager">
          <span class="hint">Newest first. Times are those of the act, not of its record.</span>
          <button class="btn" type="button" disabled={before === 0 || isOlder} onClick={loadOlder}>
            {before === 0 ? "That is all" : `Older than ${formatNumber(before + 1)}`}
          </button>
        </div>
      )}
    </div>
  );
}
