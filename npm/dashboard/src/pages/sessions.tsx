import { useEffect, useState } from "preact/hooks";
import type { Session } from "../api";
import { EndOne } from "../end_one";
import { type Condition, readConditions, toAddress, toQuery } from "../filter";
import { formatNumber } from "../format";
import { Empty, Failure, Icon, Loading, PageHead, Segmented } from "../parts";
import { CALLS_MAX, findSessions, ROWS } from "../session_list";
import { useDashboard, useLoaded } from "../state";
import { SessionTable } from "../table";
import { Filterbar } from "./filterbar";
import { SessionPanel } from "./panel";

const STATUSES = [
  ["active", "Active"],
  ["expired", "Expired"],
  ["revoked", "Revoked"],
  ["all", "All"],
] as const;

/** Storage may be off; rows are comfortable then. */
function readDensity(): boolean {
  try {
    return localStorage.getItem("hj-density") === "compact";
  } catch {
    return false;
  }
}

export function Sessions({ query }: { query: URLSearchParams }) {
  const { ask } = useDashboard();
  const status = query.get("status") ?? (query.has("end_reason") ? "all" : "active");
  const conditions = readConditions(query);
  const filter = toQuery(conditions, { status });
  const address = toAddress("sessions", filter);
  // The cursors of the pages before this one; they are of this filter only.
  const [cursors, setCursors] = useState<{ of: string; list: (string | null)[] }>({
    of: address,
    list: [null],
  });
  const list = cursors.of === address ? cursors.list : [null];
  const found = useLoaded(
    async (signal) => {
      const rows = await findSessions(ask, filter, list.at(-1) ?? null, signal);
      return { ...rows, of: address, before: (list.length - 1) * ROWS };
    },
    [address, list.length],
  );
  const counted = useLoaded(
    async (signal) => {
      const { count } = await ask<{ count: number }>("v1/sessions/count", { query: filter, signal });
      return { count, of: address };
    },
    [address],
  );
  const [opened, setOpened] = useState<string | null>(null);
  const [ending, setEnding] = useState<Session | null>(null);
  const [isCompact, setCompact] = useState(readDensity);
  useEffect(() => setOpened(null), [address]);
  const change = (status: string, conditions: Condition[]) => {
    location.hash = toAddress("sessions", toQuery(conditions, { status }));
  };
  const toggleDensity = () => {
    setCompact(!isCompact);
    try {
      localStorage.setItem("hj-density", isCompact ? "comfortable" : "compact");
    } catch {}
  };
  const reload = () => {
    found.reload();
    counted.reload();
  };
  const count = counted.data?.of === address ? counted.data.count : null;
  const canEnd = status === "active" && conditions.length > 0 && count !== null && count > 0;
  const shown = found.data?.sessions ?? [];
  const openedSession = shown.find(({ id }) => id === opened);
  return (
    <div class="page">
      <PageHead
        title="Sessions"
        aside={
          <p class="quiet" role="status">
            {count !== null ? (
              <>
                <span class="num">{formatNumber(count)}</span> match
              </>
            ) : (
              counted.isLoading && "Counting…"
            )}
          </p>
        }
      >
        {canEnd ? (
          <a class="btn btn-danger" href={toAddress("end", toQuery(conditions))}>
            End those {formatNumber(count)}…
          </a>
        ) : (
          <a class="btn" href="#/end">
            End many…
          </a>
        )}
      </PageHead>
      <div class="filterbar">
        <Segmented
          legend="Status"
          name="status"
          value={status}
          choices={STATUSES}
          change={(status) =>
            change(
              status,
              conditions.filter(({ name }) => name !== "end_reason" || status === "all"),
            )
          }
          isFill
        />
        <Filterbar conditions={conditions} change={(conditions) => change(status, conditions)} />
        <span class="grow" />
        <button class="btn btn-s btn-quiet desk-only" type="button" onClick={reload}>
          <Icon name="refresh" size="icon-s" />
          Look again
        </button>
        <button
          class="btn btn-s btn-quiet btn-icon desk-only"
          type="button"
          id="density"
          aria-pressed={isCompact}
          title={isCompact ? "Comfortable rows" : "Compact rows"}
          onClick={toggleDensity}
        >
          <Icon name={isCompact ? "comfortable" : "compact"} size="icon-s" />
          <span class="sr">Compact rows</span>
        </button>
      </div>
      {found.error !== null && <Failure error={found.error} retry={reload} />}
      {found.isLoading && !found.data && <Loading lines={12} />}
      {found.data && shown.length > 0 && (
        <SessionTable
          sessions={shown}
          isCompact={isCompact}
          opened={opened}
          open={({ id }) => setOpened(id)}
          end={setEnding}
        />
      )}
      {found.data && shown.length === 0 && !found.data.isCut && (
        <Empty title="No session matches">
          {conditions.length > 0
            ? "Remove a condition, or look at another status."
            : "Sessions appear here when users sign in."}
        </Empty>
      )}
      {found.data?.isCut && (
        <p class="note">
          <Icon name="info" />
          <span>
            {formatNumber(CALLS_MAX * 1000)} sessions were looked through for this page. “Next” goes on from
            there.
          </span>
        </p>
      )}
      {found.data && (
        <div class="pager">
          <span class="hint">
            {shown.length > 0 &&
              `${formatNumber(found.data.before + 1)}–${formatNumber(found.data.before + shown.length)}`}
            {shown.length > 0 && count !== null && found.data.of === address && ` of ${formatNumber(count)}`}
            {shown.length > 0 && ", newest first"}
          </span>
          <button
            class="btn"
            type="button"
            disabled={list.length === 1}
            onClick={() => setCursors({ of: address, list: list.slice(0, -1) })}
          >
            Previous
          </button>
          <button
            class="btn"
            type="button"
            disabled={found.data.next === null || found.isLoading}
            onClick={() => setCursors({ of: address, list: [...list, found.data?.next ?? null] })}
          >
            Next
          </button>
        </div>
      )}
      {openedSession && (
        <SessionPanel
          session={openedSession}
          close={() => setOpened(null)}
          end={() => setEnding(openedSession)}
        />
      )}
      {ending && <EndOne session={ending} close={() => setEnding(null)} done={reload} />}
    </div>
  );
}
