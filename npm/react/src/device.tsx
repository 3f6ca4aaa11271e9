import type { Session } from "@hellojohn/client";
import { type ReactNode, useId } from "react";
import { readDeviceName } from "./device_name.js";
import { CheckMark, DeviceGlyph } from "./icons.js";
import type { Texts } from "./texts.js";
import { nameCountry, type Times } from "./times.js";

/** What all rows share. */
export interface RowContext {
  texts: Texts;
  times: Times;
  locale: string | undefined;
  passwordHref: string | undefined;
  /** Of the heading that names a device. */
  level: number;
}

interface DeviceProps extends RowContext {
  session: Session;
  onSignOut: (session: Session) => void;
}

const DAY = 86_400_000;

/** One device of the user: name, place, last use, and the button that signs it out unless it is this one. */
export function Device({ session, onSignOut, ...context }: DeviceProps): ReactNode {
  const { texts, times, locale, level } = context;
  const lineId = useId();
  const Heading = `h${level}` as "h3";
  const { browser, system } = readDeviceName(session.user_agent);
  const name = texts.deviceName(browser, system);
  const { actor } = session;
  // The user did not sign in here, and has no password to change for it.
  const isNew = !session.current && !actor && times.now - Date.parse(session.created_at) < DAY;
  const place = nameCountry(locale, session.country);
  return (
    <li className="hj-device">
      <span className="hj-tile">
        <DeviceGlyph type={session.device_type} />
      </span>
      <div className="hj-about">
        <Heading className="hj-name">
          {name}
          {session.current && (
            <span className="hj-badge hj-badge-ok">
              <CheckMark />
              {texts.thisDevice}
            </span>
          )}
          {actor && <span className="hj-badge hj-badge-new">{texts.actsForYou(actor.user_id)}</span>}
          {isNew && <span className="hj-badge hj-badge-new">{texts.newDevice}</span>}
        </Heading>
        <p className="hj-line" id={lineId}>
          {place && (
            <>
              <span>{place}</span>
              <span className="hj-separator" aria-hidden="true">
                {" · "}
              </span>
            </>
          )}
          <time
            className="hj-when"
            dir="auto"
            dateTime={isNew ? session.created_at : session.last_active_at}
            title={times.exact(isNew ? session.created_at : session.last_active_at)}
          >
            {isNew ? texts.signedIn(times.since(session.created_at)) : describeUse(session, context)}
          </time>
        </p>
      </div>
      {!session.current && (
        <div className="hj-action">
          <button
            type="button"
            className="hj-button"
            aria-label={texts.signOutDevice(name)}
            aria-describedby={lineId}
            onClick={() => onSignOut(session)}
          >
            {texts.signOut}
          </button>
        </div>
      )}
      <div className="hj-more">
        {isNew && <NewDevice {...context} />}
        <Details session={session} {...context} />
      </div>
    </li>
  );
}

/** Between two refreshes no use is seen: whose access token is good may be in use now. */
function describeUse(session: Session, { texts, times }: RowContext): string {
  if (times.now < Date.parse(session.access_expires_at)) return texts.activeNow;
  return texts.active(times.since(session.last_active_at));
}

function NewDevice({ texts, passwordHref }: RowContext): ReactNode {
  return (
    <p className="hj-alert">
      <strong>{texts.wasItYou}</strong>
      {passwordHref ? (
        <span>
          {texts.signItOutThen} <a href={passwordHref}>{texts.changePassword}</a>.
        </span>
      ) : (
        <span>{texts.signItOut}</span>
      )}
    </p>
  );
}

function Details({ session, texts, times }: RowContext & { session: Session }): ReactNode {
  return (
    <details className="hj-details">
      <summary>{texts.details}</summary>
      <dl className="hj-facts">
        {session.actor && (
          <>
            <dt>{texts.actsBecause}</dt>
            <dd>{session.actor.reason}</dd>
          </>
        )}
        {session.ip_address && (
          <>
            <dt>{texts.address}</dt>
            <dd>
              <bdi dir="ltr" className="hj-address">
                {session.ip_address}
              </bdi>
            </dd>
          </>
        )}
        <dt>{texts.signedInAt}</dt>
        <dd>
          <time dir="auto" dateTime={session.created_at}>
            {times.exact(session.created_at)}
          </time>
        </dd>
        <dt>{texts.staysUntil}</dt>
        <dd>
          <time dir="auto" dateTime={session.expires_at}>
            {times.day(session.expires_at)}
          </time>
        </dd>
      </dl>
    </details>
  );
}
