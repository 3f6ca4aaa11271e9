import { useState } from "preact/hooks";
import type { Settings } from "../api";
import { Dialog } from "../dialog";
import { describeSetting, formatNumber, readDuration } from "../format";
import { Crumbs, Failure, Icon, PageHead } from "../parts";
import { useDashboard, useLoaded } from "../state";
import { PRESETS } from "./presets";
import { Setting } from "./setting_fields";
import { type Draft, isGood, NAMES, type Name, SETTINGS } from "./settings_list";

/** How long records are kept, and what leaves the database: below the settings of sessions. */
const RECORDS: readonly Name[] = ["event_retention", "record_retention", "revocation_list"];

const withoutWarnings = ({ warnings: _, ...draft }: Settings): Draft => draft;
export function SettingsPage() {
  const { ask, settings, setSettings, toast } = useDashboard();
  const saved = withoutWarnings(settings);
  const [draft, setDraft] = useState<Draft>(saved);
  const [isAsking, setAsking] = useState(false);
  // The fields are built anew from it after a preset or a discard.
  const [version, setVersion] = useState(0);
  const set = (name: Name, value: Draft[Name]) => setDraft((draft) => ({ ...draft, [name]: value }));
  const replace = (draft: Draft) => {
    setDraft(draft);
    setVersion((version) => version + 1);
  };
  const changed = NAMES.filter((name) => draft[name] !== saved[name]);
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
  const counted = ending.isLoading ? null : ending.data;
  const ends = isShorter ? counted : 0;
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
        {NAMES.filter((name) => !RECORDS.includes(name)).map((name) => (
          <Setting key={name} name={name} draft={draft} set={set}>
            {name === "idle_timeout" && isIdleShort && (
              <p class="note note-warn">
                <Icon name="alert" />
                <span>
                  Shorter than two access tokens. Only a refresh counts as use, and clients refresh when their
                  access token has ended: a user who is at work may be signed out.
                </span>
              </p>
            )}
          </Setting>
        ))}
        <section class="section" aria-labelledby="records">
          <div class="section-head">
            <h2 id="records">Records</h2>
          </div>
          {RECORDS.map((name) => (
            <Setting key={name} name={name} draft={draft} set={set} />
          ))}
        </section>
        {changed.length > 0 && (
          <section class="savebar" aria-label="Unsaved changes">
            <p class="changes">
              {changed.map((name) => (
                <span key={name}>
                  {SETTINGS[name].short} <del>{describeSetting(saved[name])}</del> →{" "}
                  <ins>{describeSetting(draft[name])}</ins>
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
