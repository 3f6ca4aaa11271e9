import { useState } from "preact/hooks";
import type { Explanation, Session } from "../api";
import { nameDevice, nameDeviceType } from "../device";
import { EndOne } from "../end_one";
import { findEventsBefore, findNewestEvent } from "../events";
import { describeReason, formatDate, formatNumber, formatRelative, nameCountry, shortenId } from "../format";
import { Copy, Crumbs, Failure, Icon, Loading, PageHead, Status } from "../parts";
import { useDashboard, useLoaded } from "../state";
import { EventList } from "./event_list";
import { Limits } from "./limits";

/** So many thousands of the newest events are looked through for those of one session. */
const EVENT_CALLS_MAX = 30;

export function SessionPage({ id }: { id: string }) {
  const { ask } = useDashboard();
  const [isEnding, setEnding] = useState(false);
  const loaded = useLoaded(
    async (signal) => {
      const path = `v1/sessions/${encodeURIComponent(id)}`;
      const [session, explanation] = await Promise.all([
        ask<Session>(path, { signal }),
        ask<Explanation>(`${path}/explain`, { signal }),
      ]);
      return { session, explanation };
    },
    [id],
  );
  if (loaded.error !== null)
    return (
      <div class="page">
        <Crumbs items={[["Sessions", "#/sessions"], [shortenId(id)]]} />
        <PageHead title="Session" />
        <Failure error={loaded.error} retry={loaded.reload} />
      </div>
    );
  if (!loaded.data)
    return (
      <div class="page">
        <PageHead title="Session" />
        <Loading lines={8} />
      </div>
    );
  const { session, explanation } = loaded.data;
  const ofUser = encodeURIComponent(session.user_id);
  return (
    <div class="page">
      <Crumbs items={[["Sessions", "#/sessions"], [shortenId(session.id)]]} />
      <div class="page-head">
        <div class="title-device">
          <Icon name={`device-${session.device_type}`} size="glyph" />
          <h1>{nameDevice(session.user_agent)}</h1>
          <Status status={session.status} reason={session.end_reason} />
        </div>
        <div class="page-actions">
          <a class="btn" href={`#/sessions?status=all&user_id=${ofUser}`}>
            All of this user
          </a>
          {session.status === "active" && (
            <>
              <a class="btn btn-danger" href={`#/end?user_id=${ofUser}`}>
                End all of this user…
              </a>
              <button class="btn btn-danger" type="button" onClick={() => setEnding(true)}>
                End session…
              </button>
            </>
          )}
        </div>
      </div>
      <div class="split">
        <div>
          <Limits session={session} explanation={explanation} />
          <Answers explanation={explanation} />
          <SessionEvents id={session.id} />
        </div>
        <Facts session={session} />
      </div>
      {isEnding && <EndOne session={session} close={() => setEnding(false)} done={loaded.reload} />}
    </div>
  );
}

const ANSWERS: Readonly<Record<string, string>> = {
  rotated: "New tokens. The idle time starts again.",
  replayed: "The same new tokens once more: a parallel tab or a lost answer may ask twice.",
  refresh_token_reused: "Ends the session. The token may have been copied.",
  session_revoked: "Refused: the session was ended.",
  session_expired: "Refused: the session has ended by time.",
};

function Answers({ explanation }: { explanation: Explanation }) {
  const until = (at: string | null) => at && <span class="hint"> Until {formatDate(Date.parse(at))}.</span>;
  const say = (answer: string) => ANSWERS[answer] ?? answer;
  return (
    <section class="section" aria-labelledby="tokens">
      <div class="section-head">
        <h2 id="tokens">If a refresh token is presented now</h2>
      </div>
      <table class="answers">
        <thead>
          <tr>
            <th scope="col">Token</th>
            <th scope="col">Answer</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">The live one</th>
            <td>
              {say(explanation.live_token)}
              {until(explanation.live_token_until)}
            </td>
          </tr>
          {explanation.former_token && (
            <tr>
              <th scope="row">The one before</th>
              <td>
                {say(explanation.former_token)}
                {until(explanation.former_token_until)}
              </td>
            </tr>
          )}
          {explanation.older_token && (
            <tr>
              <th scope="row">Any older one</th>
              <td>{say(explanation.older_token)}</td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function SessionEvents({ id }: { id: string }) {
  const { ask, settings, newestEvents } = useDashboard();
  const found = useLoaded(
    async (signal) => {
      const { newest } = await findNewestEvent(ask, newestEvents, signal);
      return findEventsBefore(ask, newest, { session_id: id }, 100, EVENT_CALLS_MAX, signal);
    },
    [id],
  );
  return (
    <section class="section" aria-labelledby="events">
      <div class="section-head">
        <h2 id="events">Events</h2>
        <a class="hint" href="#/events">
          All events
        </a>
      </div>
      {found.error !== null && <Failure error={found.error} retry={found.reload} />}
      {found.isLoading && !found.data && <Loading lines={3} />}
      {found.data && <EventList events={found.data.events} hasSessions={false} />}
      {found.data && found.data.events.length === 0 && (
        <p class="hint">
          {settings.event_retention === null
            ? "Events are off: nothing is recorded."
            : "No event of this session was found."}
        </p>
      )}
      {found.data && found.data.before > 0 && (
        <p class="hint">
          Older events than number {formatNumber(found.data.before + 1)} were not looked through.
        </p>
      )}
    </section>
  );
}

function Fact({ name, value, isId = false }: { name: string; value: string | null; isId?: boolean }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {value === null ? (
          <span class="quiet">none</span>
        ) : isId ? (
          <span class="id id-wrap">{value}</span>
        ) : (
          value
        )}
      </dd>
    </>
  );
}

function Facts({ session }: { session: Session }) {
  const exact = (at: string) => `${formatDate(Date.parse(at))}, ${formatRelative(Date.parse(at))}`;
  return (
    <aside class="facts-side" aria-label="Facts">
      <div class="facts-group">
        <dl class="facts">
          <dt>Session</dt>
          <dd>
            <Copy text={session.id} />
          </dd>
          <dt>User</dt>
          <dd>
            <Copy text={session.user_id} />
          </dd>
          {session.actor && (
            <>
              <dt>Acts for the user</dt>
              <dd>
                <Copy text={session.actor.user_id} />
              </dd>
              <Fact name="Because" value={session.actor.reason} />
            </>
          )}
          <Fact name="Email" value={session.email} />
          <Fact name="Role" value={session.role} />
          <Fact name="Organisation" value={session.org_id} isId />
          <Fact name="Second factor" value={session.mfa_verified ? "Yes" : "No"} />
        </dl>
      </div>
      <div class="facts-group">
        <h2>Device and place</h2>
        <dl class="facts">
          <Fact name="Device" value={nameDeviceType(session.device_type)} />
          <Fact
            name="Country"
            value={session.country === null ? null : `${nameCountry(session.country)} (${session.country})`}
          />
          <Fact name="Address" value={session.ip_address} isId />
          <Fact name="Seen last" value={session.last_ip_address} isId />
          <Fact name="Fingerprint" value={session.device_fingerprint} isId />
          <Fact name="User agent" value={session.user_agent} isId />
        </dl>
      </div>
      <div class="facts-group">
        <h2>Times</h2>
        <dl class="facts">
          <Fact name="Signed in" value={exact(session.created_at)} />
          <Fact name="Last active" value={exact(session.last_active_at)} />
          <Fact name="Ends at latest" value={exact(session.expires_at)} />
          {session.revoked_at && <Fact name="Ended" value={exact(session.revoked_at)} />}
          {session.end_reason && <Fact name="Reason" value={describeReason(session.end_reason)} />}
        </dl>
      </div>
    </aside>
  );
}
