import { useState } from "preact/hooks";
import type { Settings } from "../api";
import { Dialog } from "../dialog";
import { formatNumber, readDuration } from "../format";
import { Crumbs, Failure, Icon, PageHead } from "../parts";
import { useDashboard, useLoaded } from "../state";
import { type Draft, isGood, PRESETS } from "./presets";
import { CountField, DurationField, Setting } from "./setting_fields";

type Name = keyof Draft;

const LABELS: Readonly<Record<Name, string>> = {
  session_duration: "Duration",
  access_token_ttl: "Access token",
  idle_timeout: "Idle",
  max_sessions_per_user: "Per user",
  refresh_reuse_window: "Reuse window",
  event_retention: "Events",
  record_retention: "Records",
};

const withoutWarnings = ({ warnings: _, ...draft }: Settings): Draft => draft;
export function SettingsPage() {
  const { ask, settings, setSettings, toast } = useDashboard();
  const saved = withoutWarnings(settings);
  const [draft, setDraft] = useState<Draft>(saved);
  const [isAsking, setAsking] = useState(false);
  // The fields are built anew from it after a preset or a discard.
  const [version, setVersion] = useState(0);
  const set = <N extends Name>(name: N, value: Draft[N]) =>
    setDraft((draft) => ({ ...draft, [name]: value }));
  const replace = (draft: Draft) => {
    setDraft(draft);
    setVersion((version) => version + 1);
  };
  const changed = (Object.keys(LABELS) as Name[]).filter((name) => draft[name] !== saved[name]);
  const preset = PRESETS.find(({ values }) =>
    Object.entries(values).every(([name, value]) => draft[name as Name] === value),
  );
  const good = isGood(draft);
  const idle = draft.idle_timeout === null ? null : readDuration(draft.idle_timeout);
  const oldIdle = saved.idle_timeout === null ? null : readDuration(saved.idle_timeout);
  const isShorter = good && idle !== null && (oldIdle === null || idle < oldIdle);
  const ending = useLoaded(
    async (signal) => {
      if (!isShorter || idle === null) return 0;
      const before = new Date(Date.now() - idle * 1000).toISOString();
      const query = { status: "active", last_active_before: before };
      return (await ask<{ count: number }>("v1/sessions/count", { query, signal })).count;
    },
    [isShorter, idle],
  );
  const ends = isShorter ? ending.data : 0;
  const token = readDuration(draft.access_token_ttl);
  const isIdleShort = idle !== null && token !== null && idle < 2 * token;
  const save = async (actor: string) => {
    const body = Object.fromEntries(changed.map((name) => [name, draft[name]]));
    const answer = await ask<Settings>("v1/admin/config", { method: "PATCH", body, actor });
    setSettings(answer);
    replace(withoutWarnings(answer));
    toast(ends ? `Settings saved. ${formatNumber(ends)} sessions ended.` : "Settings saved.");
  };
  return (
    <div class="page page-narrow">
      <Crumbs items={[["Tenant Settings"], ["Authentication"], ["Session Settings"]]} />
      <PageHead title="Session Settings" lead="How long people stay signed in, and on how many devices." />
      <fieldset>
        <legend class="sr">Start from a preset</legend>
        <div class="presets">
          {PRESETS.map(({ id, name, what, values, rows }) => (
            <div class="preset" key={id}>
              <input
                type="radio"
                id={`preset-${id}`}
                name="preset"
                checked={preset?.id === id}
                onChange={() => replace({ ...draft, ...values })}
              />
              <label class="preset-name" for={`preset-${id}`}>
                {name}
                <span class="preset-for">{what}</span>
              </label>
              <dl class="pairs">
                {rows.map(([label, value]) => (
                  <>
                    <dt>{label}</dt>
                    <dd>{value}</dd>
                  </>
                ))}
              </dl>
            </div>
          ))}
          <div class="preset">
            <input
              type="radio"
              id="preset-own"
              name="preset"
              checked={!preset}
              onChange={() => replace(saved)}
            />
            <label class="preset-name" for="preset-own">
              Your own
              <span class="preset-for">Any values</span>
            </label>
            <span class="hint">Chosen by itself when a value below differs from every preset.</span>
          </div>
        </div>
      </fieldset>
      <form
        class="form"
        key={version}
        onSubmit={(event) => {
          event.preventDefault();
          if (good && changed.length > 0) setAsking(true);
        }}
      >
        <Setting
          id="session-duration"
          label="Session duration"
          hint="From sign-in to the end, however much it is used. Then the person signs in again."
          effect="For new sign-ins. “Remember me” can set its own."
        >
          <DurationField
            id="session-duration"
            label="Session duration"
            value={draft.session_duration}
            after=", then the person signs in again"
            change={(value) => set("session_duration", value)}
          />
        </Setting>
        <Setting
          id="access-token"
          label="Access token lifetime"
          hint="Services that check tokens locally notice an ended session after this time at the latest."
          effect="With the next token"
        >
          <DurationField
            id="access-token"
            label="Access token lifetime"
            value={draft.access_token_ttl}
            after=" at most until an ended session is noticed everywhere"
            change={(value) => set("access_token_ttl", value)}
          />
        </Setting>
        <Setting
          id="idle"
          label="Idle timeout"
          hint="Ends a session that is not used. Each refresh counts as use."
          effect="At once, for every session"
        >
          <DurationField
            id="idle"
            label="Idle timeout"
            value={draft.idle_timeout}
            after=" without use"
            toggle={["End idle sessions", "7d"]}
            change={(value) => set("idle_timeout", value)}
            clear={() => set("idle_timeout", null)}
          />
          {isIdleShort && (
            <p class="note note-warn">
              <Icon name="alert" />
              <span>
                Shorter than two access tokens. Only a refresh counts as use, and clients refresh when their
                access token has ended: a user who is at work may be signed out.
              </span>
            </p>
          )}
        </Setting>
        <Setting
          id="cap"
          label="Sessions per user"
          hint="When someone signs in on one device more, the oldest session ends."
          effect="At the user’s next sign-in"
        >
          <CountField
            id="cap"
            toggle="Limit the number"
            value={draft.max_sessions_per_user}
            change={(value) => set("max_sessions_per_user", value)}
          />
        </Setting>
        <Setting
          id="reuse"
          label="Refresh reuse window"
          hint="Parallel tabs and lost answers may present the token before once more. After it, an old token ends the session."
          effect="At once. Up to 60 seconds."
        >
          <DurationField
            id="reuse"
            label="Refresh reuse window"
            value={draft.refresh_reuse_window}
            after=""
            least={0}
            most={60}
            change={(value) => set("refresh_reuse_window", value)}
          />
        </Setting>
        <section class="section" aria-labelledby="records">
          <div class="section-head">
            <h2 id="records">Records</h2>
          </div>
          <Setting
            id="events-kept"
            label="Keep events"
            hint="Off: nothing is recorded. On: sign-ins, ends, changes and keys, with who did it."
            effect="From now on"
          >
            <DurationField
              id="events-kept"
              label="Keep events"
              value={draft.event_retention}
              after=", then deleted once sealed"
              toggle={["Record events", "90d"]}
              change={(value) => set("event_retention", value)}
              clear={() => set("event_retention", null)}
            />
          </Setting>
          <Setting
            id="records-kept"
            label="Keep ended sessions"
            hint="How long an ended session stays in lists and charts."
            effect="At the next maintenance"
          >
            <DurationField
              id="records-kept"
              label="Keep ended sessions"
              value={draft.record_retention}
              after=" after the end"
              toggle={["Delete old records", "1y"]}
              change={(value) => set("record_retention", value)}
              clear={() => set("record_retention", null)}
            />
          </Setting>
        </section>
        {changed.length > 0 && (
          <section class="savebar" aria-label="Unsaved changes">
            <p class="changes">
              {changed.map((name) => (
                <span key={name}>
                  {LABELS[name]} <del>{saved[name] ?? "none"}</del> → <ins>{draft[name] ?? "none"}</ins>
                </span>
              ))}
            </p>
            {ending.error !== null && <Failure error={ending.error} retry={ending.reload} />}
            <div class="savebar-foot">
              {ends !== null && ends > 0 && (
                <span class="badge badge-warn">
                  <Icon name="alert" size="icon-s" />
                  The idle timeout ends {formatNumber(ends)} {ends === 1 ? "session" : "sessions"} at once
                </span>
              )}
              <span class="grow" />
              <button class="btn" type="button" onClick={() => replace(saved)}>
                Discard
              </button>
              <button class="btn btn-primary" type="submit" disabled={!good || ends === null}>
                Save {changed.length === 1 ? "1 change" : `${changed.length} changes`}…
              </button>
            </div>
          </section>
        )}
      </form>
      {isAsking && (
        <Dialog
          title={
            ends
              ? `Save and end ${formatNumber(ends)} ${ends === 1 ? "session" : "sessions"}?`
              : "Save these settings?"
          }
          keep="Back"
          act={ends ? "Save and end them" : "Save"}
          isDanger={Boolean(ends)}
          hasActor
          {...(ends ? { typed: `${ends}` } : {})}
          run={save}
          close={() => setAsking(false)}
        >
          <p class="quiet">
            {ends
              ? `A shorter idle timeout holds at once. ${formatNumber(ends)} sessions were last used longer ago than it allows; their people have to sign in again.`
              : "No session ends by this."}
          </p>
        </Dialog>
      )}
    </div>
  );
}
