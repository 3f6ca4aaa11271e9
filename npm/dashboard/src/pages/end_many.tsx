import { useEffect, useState } from "preact/hooks";
import type { Preview, Stats } from "../api";
import { nameDeviceType } from "../device";
import { Dialog } from "../dialog";
import { type Condition, readConditions, toAddress, toBody, toQuery } from "../filter";
import { describeDuration, formatNumber, formatSeconds } from "../format";
import { Bars, Crumbs, Failure, Icon, Loading, PageHead, Point } from "../parts";
import { findSessions } from "../session_list";
import { useDashboard, useLoaded } from "../state";
import { SessionTable } from "../table";
import { Filterbar } from "./filterbar";

/** Of a tenant whose sessions take longer to count, the numbers by device are counted when they are asked for. */
const SLOW_MS = 1_000;

export function EndMany({ query }: { query: URLSearchParams }) {
  const { ask, toast } = useDashboard();
  const conditions = readConditions(query).filter(({ name }) => name !== "end_reason");
  const address = toAddress("end", toQuery(conditions));
  const preview = useLoaded(
    async (signal) => {
      if (conditions.length === 0) return null;
      const body = { filter: toBody(conditions), dry_run: true };
      const start = performance.now();
      const preview = await ask<Preview>("v1/sessions/revoke", { method: "POST", body, signal });
      return { ...preview, isSlow: performance.now() - start > SLOW_MS };
    },
    [address],
  );
  // The number of the preview takes a look at every session; the newest ones are here before.
  const newest = useLoaded(
    async (signal) => {
      if (conditions.length === 0) return null;
      const { sessions } = await findSessions(ask, toQuery(conditions, { status: "active" }), null, signal);
      return sessions;
    },
    [address],
  );
  const [isAsking, setAsking] = useState(false);
  const change = (conditions: Condition[]) => {
    location.hash = toAddress("end", toQuery(conditions));
  };
  const found = preview.isLoading ? null : preview.data;
  const sample = found?.sample ?? (newest.isLoading ? null : newest.data) ?? [];
  const end = async (actor: string) => {
    if (!found) return;
    const body = { filter: toBody(conditions), plan: found.plan };
    const { revoked } = await ask<{ revoked: number }>("v1/sessions/revoke", { method: "POST", body, actor });
    toast(`${formatNumber(revoked)} ${revoked === 1 ? "session" : "sessions"} ended.`);
    preview.reload();
  };
  return (
    <div class="page page-narrow">
      <Crumbs items={[["Sessions", "#/sessions"], ["End many"]]} />
      <PageHead
        title="End many sessions"
        lead="Choose which, look at what would end, then end them in one step. Nothing happens before the last button."
      />
      <ol class="steps">
        <li class="step">
          <span class="step-no" aria-hidden="true">
            1
          </span>
          <section class="step-body" aria-labelledby="s1">
            <h2 id="s1">Which sessions</h2>
            <div class="filterbar">
              <Filterbar conditions={conditions} change={change} />
            </div>
            <p class="hint">
              All conditions must hold. Only active sessions can end. To end everyone’s, see the foot of this
              page.
            </p>
          </section>
        </li>
        <li class="step">
          <span class="step-no" aria-hidden="true">
            2
          </span>
          <section class="step-body" aria-labelledby="s2">
            <h2 id="s2">What would end</h2>
            {conditions.length === 0 && <p class="hint">Add a condition first.</p>}
            {preview.error !== null && <Failure error={preview.error} retry={preview.reload} />}
            {conditions.length > 0 && preview.error === null && (
              <p class="headline" role="status">
                {found ? (
                  <>
                    <strong>{formatNumber(found.count)}</strong>
                    <span>{found.count === 1 ? "session" : "sessions"} would end</span>
                    <span class="hint">as of {formatSeconds(preview.loadedAt)}</span>
                  </>
                ) : (
                  <span>Counting…</span>
                )}
              </p>
            )}
            {found && found.count > 0 && (
              <Breakdown
                key={`${address} ${preview.loadedAt}`}
                conditions={conditions}
                isAsked={!found.isSlow}
              />
            )}
            {preview.isLoading && sample.length === 0 && <Loading lines={4} />}
            {sample.length > 0 && (
              <>
                <div class="section-head">
                  <h3>A sample</h3>
                  <span class="hint">the newest {sample.length}</span>
                </div>
                <SessionTable sessions={sample} isCompact />
              </>
            )}
          </section>
        </li>
        <li class="step">
          <span class="step-no" aria-hidden="true">
            3
          </span>
          <section class="step-body" aria-labelledby="s3">
            <h2 id="s3">End them</h2>
            <p class="note">
              <Icon name="info" />
              <span>
                The preview is the plan: it ends these sessions and no later ones. If more match by the time
                you apply it, it refuses, and you look again.
              </span>
            </p>
            <div class="row">
              <button
                class="btn btn-danger-fill"
                type="button"
                disabled={!found || found.count === 0}
                onClick={() => setAsking(true)}
              >
                {found && found.count > 0 ? `End ${formatNumber(found.count)} sessions…` : "End sessions…"}
              </button>
              <button class="btn" type="button" disabled={conditions.length === 0} onClick={preview.reload}>
                <Icon name="refresh" size="icon-s" />
                Look again
              </button>
            </div>
          </section>
        </li>
      </ol>
      <Everyone />
      {isAsking && found && (
        <EndDialog count={found.count} run={end} close={() => setAsking(false)}>
          <Point icon="check">
            One step: all of them, or none if more than {formatNumber(found.count)} match by now.
          </Point>
        </EndDialog>
      )}
    </div>
  );
}

interface EndDialogProps {
  count: number;
  typed?: string;
  run(actor: string): Promise<void>;
  close(): void;
  children: preact.ComponentChildren;
}

function EndDialog({ count, typed = `${count}`, run, close, children }: EndDialogProps) {
  const { settings } = useDashboard();
  return (
    <Dialog
      title={`End ${formatNumber(count)} ${count === 1 ? "session" : "sessions"}?`}
      keep="Keep them"
      act={`End ${formatNumber(count)} ${count === 1 ? "session" : "sessions"}`}
      isDanger
      hasActor
      typed={typed}
      run={run}
      close={close}
    >
      <p class="quiet">Their people have to sign in again on these devices. This cannot be undone.</p>
      <ul class="bullets">
        {children}
        <Point icon="clock">
          Services that check tokens locally accept the last access tokens for up to{" "}
          {describeDuration(settings.access_token_ttl)}.
        </Point>
      </ul>
    </Dialog>
  );
}

const DEVICES = ["desktop", "mobile", "tablet", "bot", "unknown"];

/** The same sessions by device, each number a count of its own, one after the other. */
function Breakdown({ conditions, isAsked }: { conditions: Condition[]; isAsked: boolean }) {
  const { ask } = useDashboard();
  const hasDevice = conditions.some(({ name }) => name === "device_type");
  const [isCounting, setCounting] = useState(isAsked);
  const [counts, setCounts] = useState<[string, number][]>([]);
  const isBusy = isCounting && counts.length < DEVICES.length;
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (hasDevice || !isCounting) return;
    const controller = new AbortController();
    const { signal } = controller;
    const countEach = async () => {
      for (const device_type of DEVICES) {
        const query = toQuery(conditions, { device_type });
        const { count } = await ask<{ count: number }>("v1/sessions/count", { query, signal });
        setCounts((counts) => [...counts, [nameDeviceType(device_type), count]]);
      }
    };
    countEach().catch((error: unknown) => {
      if (!signal.aborted) setError(error);
    });
    return () => controller.abort();
  }, [isCounting]);
  if (hasDevice) return null;
  return (
    <div class="stack" aria-busy={isBusy && error === null}>
      <h3>Device</h3>
      {isCounting ? (
        <Bars items={counts.filter(([, count]) => count > 0)} />
      ) : (
        <div class="row">
          <button class="btn btn-s" type="button" onClick={() => setCounting(true)}>
            Count by device
          </button>
          <span class="hint">Looks at every session five times.</span>
        </div>
      )}
      {error !== null && <Failure error={error} />}
    </div>
  );
}

/** A step of its own, so that no filter can ever mean "all" by mistake. */
function Everyone() {
  const { ask, tenantId, toast } = useDashboard();
  const [count, setCount] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const look = () =>
    ask<Stats>("v1/admin/stats").then(
      ({ sessions }) => {
        setError(null);
        setCount(sessions.active);
      },
      (error: unknown) => setError(error),
    );
  const end = async (actor: string) => {
    const { revoked } = await ask<{ revoked: number }>("v1/sessions", { method: "DELETE", actor });
    toast(`${formatNumber(revoked)} sessions ended.`);
  };
  return (
    <section class="section" aria-labelledby="everyone">
      <div class="note">
        <Icon name="alert" />
        <div>
          <h2 id="everyone">Everyone</h2>
          <p>
            End all active sessions of this tenant. Its own step, so that no filter can ever mean “all” by
            mistake.
          </p>
          <div class="row">
            <button class="btn btn-danger" type="button" onClick={look}>
              End everyone’s sessions…
            </button>
          </div>
          {error !== null && <Failure error={error} />}
        </div>
      </div>
      {count !== null && (
        <EndDialog count={count} typed={tenantId} run={end} close={() => setCount(null)}>
          <Point icon="alert">Everyone is signed out, also you in the product itself.</Point>
        </EndDialog>
      )}
    </section>
  );
}
