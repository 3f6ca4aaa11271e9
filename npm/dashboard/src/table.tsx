import type { Session, Settings } from "./api";
import { nameDevice } from "./device";
import { describeReason, formatDate, nameCountry, readDuration, shortenId } from "./format";
import { Icon, Id, Status, Time } from "./parts";
import { useDashboard } from "./state";

/** When a session is over if it is not used before, and why. */
export function findEnd(session: Session, settings: Settings): { at: number; why: string; isAlert: boolean } {
  if (session.status !== "active") {
    const at = Date.parse(session.revoked_at ?? session.expires_at);
    const isAlert = session.end_reason === "refresh_token_reuse";
    return { at, why: describeReason(session.end_reason).toLowerCase(), isAlert };
  }
  const [fixed, idle] = [Date.parse(session.expires_at), readDuration(settings.idle_timeout ?? "")];
  const idleAt = idle === null ? Number.POSITIVE_INFINITY : Date.parse(session.last_active_at) + idle * 1000;
  return idleAt < fixed
    ? { at: idleAt, why: "by idle timeout", isAlert: false }
    : { at: fixed, why: "by session duration", isAlert: false };
}

export interface SessionTableProps {
  sessions: Session[];
  isCompact?: boolean;
  opened?: string | null;
  open?(session: Session): void;
  end?(session: Session): void;
}

/** Rows of two facts a cell; cards on a phone. ARIA keeps it a table there. */
export function SessionTable({ sessions, isCompact = false, opened = null, open, end }: SessionTableProps) {
  const { settings } = useDashboard();
  return (
    <table
      class={`table table-rows${isCompact ? " density-compact" : ""}`}
      role="table"
      aria-label="Sessions, newest first"
    >
      <thead role="rowgroup">
        <tr role="row">
          {["Device", "User", "Place"].map((title) => (
            <th key={title} role="columnheader" scope="col">
              {title}
            </th>
          ))}
          <th role="columnheader" scope="col" class="col-signed" aria-sort="descending">
            Signed in ↓
          </th>
          <th role="columnheader" scope="col">
            Last active
          </th>
          <th role="columnheader" scope="col">
            Ends
          </th>
          <th role="columnheader" scope="col">
            Status
          </th>
          {end && (
            <th role="columnheader" scope="col" class="col-action">
              <span class="sr">Action</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {sessions.map((session) => (
          <Row
            key={session.id}
            session={session}
            settings={settings}
            isOpened={session.id === opened}
            open={open}
            end={end}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  session: Session;
  settings: Settings;
  isOpened: boolean;
  open?: ((session: Session) => void) | undefined;
  end?: ((session: Session) => void) | undefined;
}

function Row({ session, settings, isOpened, open, end }: RowProps) {
  const device = nameDevice(session.user_agent);
  const over = findEnd(session, settings);
  const isEnded = session.status !== "active";
  const follow = (event: MouseEvent) => {
    if (!open || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(session);
  };
  return (
    <tr role="row" class={`${isEnded ? "ended" : ""}${isOpened ? " opened" : ""}`}>
      <td role="cell" class="col-device">
        <span class="cell-device">
          <Icon name={`device-${session.device_type}`} size="glyph" />
          <span>
            <a href={`#/sessions/${session.id}`} onClick={follow}>
              {device}
            </a>
            <span class="cell-sub">
              <Id of={session.id} />
            </span>
          </span>
        </span>
      </td>
      <td role="cell" class="col-user">
        <span class="cell-main">
          <Id of={session.user_id} />
        </span>
        <span class="cell-sub">
          {session.actor ? (
            <>
              by <Id of={session.actor.user_id} />
            </>
          ) : (
            (session.role ?? "no role")
          )}
        </span>
      </td>
      <td role="cell" class="col-place">
        <span class="cell-main">{nameCountry(session.country)}</span>
        <span class="cell-sub">
          <span class="id">{session.ip_address ?? "no address"}</span>
        </span>
      </td>
      <td role="cell" class="col-signed">
        <span class="cell-main">
          <Time at={session.created_at} />
        </span>
        <span class="cell-sub">{formatDate(Date.parse(session.created_at))}</span>
      </td>
      <td role="cell" class="col-active">
        <span class="cell-main">
          <span class="phone-only">used </span>
          <Time at={session.last_active_at} />
        </span>
        <span class="cell-sub">{formatDate(Date.parse(session.last_active_at))}</span>
      </td>
      <td role="cell" class="col-ends">
        <span class="cell-main">
          <span class="phone-only">{isEnded ? "ended " : "ends "}</span>
          <Time at={over.at} />
        </span>
        <span class={`cell-sub${over.isAlert ? " alert-text" : ""}`}>{over.why}</span>
      </td>
      <td role="cell" class="col-status">
        <Status status={session.status} reason={session.end_reason} />
      </td>
      {end && (
        <td role="cell" class="col-action cell-action">
          {!isEnded && (
            <button
              class="btn btn-s btn-quiet btn-danger"
              type="button"
              aria-label={`End ${device}, ${shortenId(session.id)}`}
              onClick={() => end(session)}
            >
              End…
            </button>
          )}
        </td>
      )}
    </tr>
  );
}
