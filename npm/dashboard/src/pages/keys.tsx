import { useState } from "preact/hooks";
import { JWKS_ADDRESS, type Key } from "../api";
import { Dialog } from "../dialog";
import { describeDuration, formatDate, formatLength, formatRelative } from "../format";
import { Copy, Failure, Icon, Loading, PageHead, Point } from "../parts";
import { useDashboard, useLoaded } from "../state";

/** Caches may keep the public keys so long. */
const CACHED_MS = 3_600_000;
const RETIRED_SHOWN = 5;

export function Keys() {
  const { ask, toast, settings } = useDashboard();
  const keys = useLoaded((signal) => ask<{ data: Key[] }>("v1/admin/keys", { signal }), []);
  const [dialog, setDialog] = useState<"rotate" | Key | null>(null);
  const close = () => setDialog(null);
  const all = keys.data?.data ?? [];
  const next = all.find(({ state }) => state === "next");
  const isFresh = next !== undefined && Date.now() - Date.parse(next.created_at) < CACHED_MS;
  const retired = all.filter(({ state }) => state === "retired");
  const shown = [
    ...all.filter(({ state }) => state !== "retired").toReversed(),
    ...retired.toReversed().slice(0, RETIRED_SHOWN),
  ];
  const published = all.filter(({ state }) => state !== "retired");
  const rotate = async (actor: string) => {
    await ask("v1/admin/keys/rotate", { method: "POST", actor });
    toast("Rotated. The next key signs now.");
    keys.reload();
  };
  const retire = async (kid: string, actor: string) => {
    await ask("v1/admin/keys/retire", { method: "POST", body: { kid }, actor });
    toast("Key retired.");
    keys.reload();
  };
  return (
    <div class="page">
      <PageHead
        title="Keys"
        lead="Access tokens are signed with one key. Its successor is published before it signs, so rotating ends no session."
      >
        <button class="btn btn-primary" type="button" disabled={!next} onClick={() => setDialog("rotate")}>
          <Icon name="rotate" />
          Rotate…
        </button>
      </PageHead>
      {keys.error !== null && <Failure error={keys.error} retry={keys.reload} />}
      {keys.isLoading && !keys.data && <Loading lines={4} />}
      {keys.data && (
        <>
          <table class="keyline">
            <caption class="sr">Signing keys and where each stands</caption>
            <colgroup>
              {[0, 1, 2, 3, 4, 5].map((column) => (
                <col key={column} />
              ))}
            </colgroup>
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">
                  Next<span class="hint">published, waits</span>
                </th>
                <th scope="col">
                  Active<span class="hint">signs</span>
                </th>
                <th scope="col">
                  Retiring<span class="hint">only verifies</span>
                </th>
                <th scope="col">
                  Retired<span class="hint">gone</span>
                </th>
                <th scope="col">
                  <span class="sr">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((key) => (
                <KeyRow key={key.kid} of={key} retire={() => setDialog(key)} />
              ))}
            </tbody>
          </table>
          {retired.length > RETIRED_SHOWN && (
            <p class="hint">{retired.length - RETIRED_SHOWN} older retired keys are not shown.</p>
          )}
          <section class="section" aria-labelledby="jwks">
            <div class="section-head">
              <h2 id="jwks">Where services find them</h2>
            </div>
            <dl class="facts">
              <dt>Address</dt>
              <dd>
                <Copy text={JWKS_ADDRESS} />
              </dd>
              <dt>Holds now</dt>
              <dd>
                {published.length} keys: {published.map(({ state }) => state).join(", ")}
              </dd>
              <dt>Kept by caches</dt>
              <dd>up to 1 hour. Wait that long after a rotation before the next one.</dd>
            </dl>
          </section>
        </>
      )}
      {dialog === "rotate" && next && (
        <Dialog
          title="Rotate the signing key?"
          keep="Not now"
          act="Rotate"
          hasActor
          run={rotate}
          close={close}
        >
          <p class="quiet">No session ends.</p>
          <ul class="bullets">
            <Point icon={isFresh ? "alert" : "check"}>
              The next key signs from now on. It has been published for{" "}
              {formatLength(Date.now() - Date.parse(next.created_at))}
              {isFresh
                ? ": a service whose cache is older refuses its tokens until it looks again, within the hour."
                : ", so every service knows it."}
            </Point>
            <Point icon="clock">
              The key of today verifies until its last token ends,{" "}
              {describeDuration(settings.access_token_ttl)} from now, then leaves by itself.
            </Point>
            <Point icon="plus">A new next key is made and published.</Point>
          </ul>
        </Dialog>
      )}
      {dialog !== null && dialog !== "rotate" && (
        <Dialog
          title="Retire this key at once?"
          keep="Keep it"
          act="Retire now"
          isDanger
          hasActor
          typed={dialog.kid.slice(-6)}
          typedHint=", the end of its id"
          run={(actor) => retire(dialog.kid, actor)}
          close={close}
        >
          <p class="quiet">
            For a key that may have leaked. Its access tokens die now. Clients refresh and go on, without a
            new sign-in.
          </p>
        </Dialog>
      )}
    </div>
  );
}

const STAGES = ["next", "active", "retiring", "retired"] as const;
const BADGES = { next: "badge-outline", active: "badge-ok", retiring: "badge-accent", retired: "" } as const;
const NAMES = { next: "Next", active: "Active", retiring: "Retiring", retired: "Retired" } as const;

function KeyRow({ of: key, retire }: { of: Key; retire(): void }) {
  const at = STAGES.indexOf(key.state);
  const when = { next: key.created_at, active: key.activated_at, retiring: key.retiring_at, retired: null };
  const hints = {
    next: "published, waits",
    active: "signs every new token",
    retiring: key.leaves_at ? `leaves by itself ${formatRelative(Date.parse(key.leaves_at))}` : "",
    retired: "gone",
  };
  return (
    <tr>
      <th scope="row">
        <span class="cell-main">
          <span class={`badge ${BADGES[key.state]}`}>{NAMES[key.state]}</span>
        </span>
        <Copy text={key.kid} short />
      </th>
      {STAGES.map((stage, index) => {
        const since = when[stage];
        const place =
          index < at
            ? "stage-done"
            : index > at
              ? "stage-coming"
              : stage === "retired"
                ? "stage-done stage-end"
                : "stage-now";
        return (
          <td key={stage}>
            <div class={`stage ${place}`}>
              <span class="stage-label">{NAMES[stage]}</span>
              {index <= at && since && (
                <span>
                  {index === at && "since "}
                  {formatDate(Date.parse(since))}
                </span>
              )}
              {index === at && <span class="hint">{hints[stage]}</span>}
            </div>
          </td>
        );
      })}
      <td class="cell-action">
        {key.state === "active" && <span class="hint">Rotate first</span>}
        {(key.state === "next" || key.state === "retiring") && (
          <button
            class="btn btn-s btn-quiet btn-danger"
            type="button"
            aria-label={`Retire ${key.kid.slice(-6)}`}
            onClick={retire}
          >
            Retire…
          </button>
        )}
      </td>
    </tr>
  );
}
