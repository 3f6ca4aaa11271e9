import { useEffect, useRef, useState } from "preact/hooks";
import type { Event, EventPage } from "../api";
import { EVENT_FIELDS, EVENT_KINDS } from "../event_words";
import { EXPORT_MAX, exportEvents, findEventsBefore, findNewestEvent } from "../events";
import { readConditions, toAddress, toQuery } from "../filter";
import { formatNumber } from "../format";
import { Empty, Failure, Icon, Loading, PageHead, Segmented } from "../parts";
import { useDashboard, useLoaded } from "../state";
import { EventList } from "./event_list";
import { Filterbar } from "./filterbar";

const ROWS = 50;
const CALLS_MAX = 20;
const POLL_MS = 5_000;
/** Older ones fall off the page while new ones come in. */
const SHOWN_MAX = 1_000;

export function Events({ query: address }: { query: URLSearchParams }) {
  const { ask, settings, newestEvents } = useDashboard();
  const all = readConditions(address, EVENT_FIELDS);
  const types = all.find(({ name }) => name === "types")?.value ?? "";
  const isKind = EVENT_KINDS.some(([kind]) => kind === types);
  // A kind is shown by the switch, everything else as a chip.
  const conditions = all.filter(({ name }) => name !== "types" || !isKind);
  const query = toQuery(all);
  const key = toAddress("events", query);
  const go = (conditions: typeof all, kind: string) => {
    location.hash = toAddress("events", toQuery(conditions, kind === "" ? {} : { types: kind }));
  };
  const [events, setEvents] = useState<Event[]>([]);
  const [{ newest, sealed }, setNewest] = useState({ newest: 0, sealed: 0 });
  const [before, setBefore] = useState(0);
  const first = useLoaded(
    async (signal) => {
      const known = await findNewestEvent(ask, newestEvents, signal);
      const found = await findEventsBefore(ask, known.newest, query, ROWS, CALLS_MAX, signal);
      setEvents(found.events);
      setNewest(known);
      setBefore(found.before);
      return key;
    },
    [key],
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
  const isLive = isRecording && first.data === key;
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
          const { next_after } = page.pagination;
          if (next_after === newest) return;
          setEvents((events) =>
            [...page.data.toReversed(), ...events].slice(0, Math.max(events.length, SHOWN_MAX)),
          );
          setNewest((known) => ({ ...known, newest: next_after }));
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
  }, [isLive, newest, key]);
  const isFiltered = all.length > 0;
  const sealedTo = Math.max(sealed, ...events.map(({ seq, hash }) => (hash === null ? 0 : seq)));
  return (
    <div class="page page-narrow">
      <PageHead title="Events" aside={isLive && failure === null ? <p class="live">Live</p> : undefined}>
        <Export newest={newest} query={query} isReady={first.data === key && newest > 0} />
      </PageHead>
      {!isRecording && (
        <Empty title="Events are off">
          Nothing is recorded until “Keep events” is set in the <a href="#/settings">session settings</a>.
          What was recorded before is below.
        </Empty>
      )}
      <div class="filterbar">
        <Segmented
          legend="Kind"
          name="kind"
          value={types}
          choices={EVENT_KINDS}
          change={(kind) =>
            go(
              conditions.filter(({ name }) => name !== "types"),
              kind,
            )
          }
          isFill
        />
        <Filterbar
          conditions={conditions}
          fields={EVENT_FIELDS}
          change={(chips) => {
            const hasType = chips.some(({ name }) => name === "types");
            go(chips, isKind && !hasType ? types : "");
          }}
        />
        <span class="grow" />
        {first.data !== null && newest > 0 && (
          <span class={`badge${sealedTo > 0 ? " badge-ok" : ""}`}>
            <Icon name="shield" size="icon-s" />
            {sealedTo > 0 ? `Sealed up to ${formatNumber(sealedTo)}` : "Not sealed yet"}
          </span>
        )}
      </div>
      {first.error !== null && <Failure error={first.error} retry={first.reload} />}
      {failure !== null && <Failure error={failure} />}
      {first.isLoading && events.length === 0 && <Loading />}
      <EventList events={events} hasSessions />
      {first.data === key && events.length === 0 && isRecording && before === 0 && (
        <Empty title={isFiltered ? "No event matches" : "No event yet"}>
          {isFiltered
            ? "Remove a condition, or look at all kinds."
            : "Sign-ins, ends and changes appear here as they happen."}
        </Empty>
      )}
      {first.data !== null && (
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

interface ExportProps {
  newest: number;
  query: Record<string, string>;
  isReady: boolean;
}

/** Writes what the filter admits into a file of the browser. */
function Export({ newest, query, isReady }: ExportProps) {
  const { ask, tenantId, toast } = useDashboard();
  const [count, setCount] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const run = async () => {
    const controller = new AbortController();
    running.current = controller;
    setError(null);
    setCount(0);
    try {
      const { file, count } = await exportEvents(ask, newest, query, setCount, controller.signal);
      const address = URL.createObjectURL(file);
      const link = document.createElement("a");
      link.href = address;
      link.download = `events-${tenantId}-${newest}.jsonl`;
      link.click();
      // Some browsers read the file after the click.
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      toast(`${formatNumber(count)} ${count === 1 ? "event" : "events"} exported.`);
    } catch (error) {
      if (!controller.signal.aborted) setError(error);
    }
    setCount(null);
  };
  return (
    <>
      {error !== null && <Failure error={error} />}
      {count === null ? (
        <button
          class="btn"
          type="button"
          disabled={!isReady}
          title={`The newest ${formatNumber(EXPORT_MAX)} of this filter. “hellojohn events export” writes all, with a proof.`}
          onClick={run}
        >
          Export, JSON Lines
        </button>
      ) : (
        <button class="btn" type="button" onClick={() => running.current?.abort()}>
          Stop at {formatNumber(count)}
        </button>
      )}
    </>
  );
}
