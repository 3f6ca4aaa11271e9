import { useLayoutEffect, useRef } from "preact/hooks";
import type { Session } from "../api";
import { nameDevice } from "../device";
import { returnFocus } from "../focus";
import { formatDate, formatRelative, nameCountry } from "../format";
import { Copy, Icon, Status } from "../parts";
import { useDashboard } from "../state";
import { findEnd } from "../table";

/** A session beside the table, which stays usable. */
export function SessionPanel({ session, close, end }: { session: Session; close(): void; end(): void }) {
  const { settings } = useDashboard();
  const button = useRef<HTMLButtonElement>(null);
  const over = findEnd(session, settings);
  const isActive = session.status === "active";
  const tokenEnds = Date.parse(session.access_expires_at);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    button.current?.focus();
    const leave = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !document.querySelector("dialog:modal")) close();
    };
    addEventListener("keydown", leave);
    return () => {
      removeEventListener("keydown", leave);
      returnFocus(opener);
    };
  }, [session.id]);
  return (
    <dialog class="panel" open aria-labelledby="panel-title">
      <div class="panel-head">
        <Icon name={`device-${session.device_type}`} size="glyph" />
        <div class="grow">
          <h2 id="panel-title">{nameDevice(session.user_agent)}</h2>
          <Status status={session.status} reason={session.end_reason} />
        </div>
        <button ref={button} class="btn btn-quiet btn-icon" type="button" onClick={close}>
          <Icon name="x" />
          <span class="sr">Close</span>
        </button>
      </div>
      <div class="panel-body">
        <p class="note">
          <Icon name="clock" />
          <span>
            {isActive ? "Ends" : "Ended"} <strong>{formatRelative(over.at)}</strong>, {formatDate(over.at)},{" "}
            {over.why}
            {isActive && over.why === "by idle timeout" && ", unless it is used before"}.
          </span>
        </p>
        <dl class="facts">
          <dt>Session</dt>
          <dd>
            <Copy text={session.id} />
          </dd>
          <dt>User</dt>
          <dd>
            <Copy text={session.user_id} />
          </dd>
          <dt>Place</dt>
          <dd>
            {nameCountry(session.country)}
            {session.country && ` (${session.country})`}
          </dd>
          <dt>Address</dt>
          <dd>
            <span class="id id-wrap">{session.ip_address ?? "unknown"}</span>
          </dd>
          <dt>Signed in</dt>
          <dd>{formatDate(Date.parse(session.created_at))}</dd>
          <dt>Last active</dt>
          <dd>
            {formatRelative(Date.parse(session.last_active_at))},{" "}
            {formatDate(Date.parse(session.last_active_at))}
          </dd>
          <dt>Access token</dt>
          <dd>
            {tokenEnds > Date.now() ? "good until" : "ended"} {formatDate(tokenEnds)}
          </dd>
          <dt>Organisation</dt>
          <dd>
            {session.org_id ? <span class="id">{session.org_id}</span> : <span class="quiet">none</span>}
          </dd>
          <dt>Second factor</dt>
          <dd>{session.mfa_verified ? "Yes" : "No"}</dd>
        </dl>
        <p>
          <a href={`#/sessions?status=all&user_id=${encodeURIComponent(session.user_id)}`}>
            All sessions of this user
          </a>
        </p>
      </div>
      <div class="panel-foot">
        <a class="btn" href={`#/sessions/${session.id}`}>
          Open with events
        </a>
        <span class="grow" />
        {isActive && (
          <button class="btn btn-danger" type="button" onClick={end}>
            End session…
          </button>
        )}
      </div>
    </dialog>
  );
}
