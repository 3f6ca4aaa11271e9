"use client";

import type { Session } from "@hellojohn/client";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Confirmation } from "./confirmation.js";
import { Device } from "./device.js";
import { useSessionStore, useSnapshot } from "./provider.js";
import { ENGLISH, type Texts } from "./texts.js";
import { createTimes } from "./times.js";

/** How the list looks, and in which language it speaks. */
export interface SessionManagerProps {
  /** Texts that take the place of the English ones. */
  texts?: Partial<Texts>;
  /** A language tag for times and countries, such as `pt-BR`; default: the browser's. */
  locale?: string;
  /** The level of the title's heading, 1 to 4; default 2. */
  headingLevel?: 1 | 2 | 3 | 4;
  /** The page on which the user changes the password. */
  passwordHref?: string;
  /** How many minutes an access token lives, if services of yours check tokens without asking the server. */
  endsWithinMinutes?: number;
  /** Classes of the outermost element, for a style sheet of yours. */
  className?: string;
}

/** How long the line that tells of a success stays, in milliseconds. */
const TOLD_FOR = 6_000;

/** What the dialog asks about: one session, or all but the current one. */
type Question = { session: Session } | "others";

/**
 * The user's devices: this one first, the others by their last use, each with a button that signs it out.
 *
 * It needs `@hellojohn/react/styles.css`, a {@link HelloJohnProvider} around it, and follows the `color-scheme` and the writing
 * direction of the page.
 *
 * @example
 * ```tsx
 * <SessionManager headingLevel={1} passwordHref="/password" />
 * ```
 */
export function SessionManager(props: SessionManagerProps): ReactNode {
  const { locale, headingLevel = 2, passwordHref, endsWithinMinutes, className } = props;
  const store = useSessionStore();
  const { status, error, sessions, hasSessions } = useSnapshot(store);
  const [question, setQuestion] = useState<Question | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [told, setTold] = useState("");
  const others = useRef<HTMLHeadingElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const hasEnded = useRef(false);
  useEffect(() => store.wantSessions(), [store]);
  useEffect(() => {
    if (question !== null || !hasEnded.current) return;
    hasEnded.current = false;
    // The button that opened the dialog is gone with its row.
    (others.current ?? title.current)?.focus();
  }, [question]);
  useEffect(() => {
    if (told === "") return;
    const timer = setTimeout(() => setTold(""), TOLD_FOR);
    return () => clearTimeout(timer);
  }, [told]);

  const texts: Texts = { ...ENGLISH, ...props.texts };
  const [Title, Group] = [`h${headingLevel}`, `h${headingLevel + 1}`] as ["h2", "h3"];
  const current = sessions.filter((session) => session.current);
  const other = sessions
    .filter((session) => !session.current)
    .sort((left, right) => Date.parse(right.last_active_at) - Date.parse(left.last_active_at));
  const row = {
    texts,
    times: createTimes(locale, store.client.serverTime()),
    locale,
    passwordHref,
    level: headingLevel + 2,
    onSignOut: (session: Session) => setQuestion({ session }),
  };

  const close = () => {
    setQuestion(null);
    setFailure(null);
  };

  const confirm = async (asked: Question) => {
    setBusy(true);
    setFailure(null);
    try {
      const delay = endsWithinMinutes ? ` ${texts.within(endsWithinMinutes)}` : "";
      if (asked === "others") setTold(texts.doneOthers((await store.revokeOtherSessions()).revoked) + delay);
      else {
        await store.revokeSession(asked.session.id);
        setTold(texts.doneOne + delay);
      }
      hasEnded.current = true;
      setQuestion(null);
    } catch {
      setFailure(texts.failedToSignOut);
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className={className ? `hj-devices ${className}` : "hj-devices"} aria-label={texts.title}>
      <div className="hj-body">
        <Title className="hj-title" ref={title} tabIndex={-1}>
          {texts.title}
        </Title>
        {hasSessions ? (
          <>
            <p className="hj-lead">{texts.lead(sessions.length)}</p>
            {current.length > 0 && (
              <>
                <Group className="hj-hidden">{texts.thisDevice}</Group>
                <ul className="hj-list hj-list-first">
                  {current.map((session) => (
                    <Device key={session.id} session={session} {...row} />
                  ))}
                </ul>
              </>
            )}
            {other.length > 0 && (
              <>
                <Group className="hj-group" ref={others} tabIndex={-1}>
                  {texts.otherDevices}
                </Group>
                <ul className="hj-list">
                  {other.map((session) => (
                    <Device key={session.id} session={session} {...row} />
                  ))}
                </ul>
                <div className="hj-closing">
                  <p>
                    <strong>{texts.everywhereElse}</strong>
                    {texts.everywhereElseHint}
                  </p>
                  <button
                    type="button"
                    className="hj-button hj-button-large"
                    onClick={() => setQuestion("others")}
                  >
                    {texts.signOutDevices(other.length)}
                  </button>
                </div>
              </>
            )}
          </>
        ) : status === "signed_out" ? (
          <p className="hj-lead">{texts.signedOut}</p>
        ) : error ? (
          <Failed texts={texts} code={error.code} onRetry={() => void store.refresh().catch(() => {})} />
        ) : (
          <Loading text={texts.loading} />
        )}
      </div>
      {question && (
        <Confirmation
          title={question === "others" ? texts.confirmOthers : texts.confirmOne}
          hint={question === "others" ? texts.confirmOthersHint(other.length) : texts.confirmOneHint}
          action={question === "others" ? texts.signOutDevices(other.length) : texts.signOut}
          level={headingLevel + 1}
          texts={texts}
          isBusy={isBusy}
          failure={failure}
          onConfirm={() => void confirm(question)}
          onClose={close}
        />
      )}
      <div className="hj-told" role="status">
        {told && <p>{told}</p>}
      </div>
    </section>
  );
}

function Failed({ texts, code, onRetry }: { texts: Texts; code: string; onRetry: () => void }): ReactNode {
  return (
    <div className="hj-closing" role="alert">
      <p>
        <strong>{texts.failedToLoad}</strong>
        <code>{code}</code>
      </p>
      <button type="button" className="hj-button" onClick={onRetry}>
        {texts.tryAgain}
      </button>
    </div>
  );
}

/** In the shape of the result; it appears after a moment only. */
function Loading({ text }: { text: string }): ReactNode {
  return (
    <div className="hj-loading" role="status">
      <span className="hj-hidden">{text}</span>
      {["first", "second", "third"].map((name) => (
        <div className="hj-device" key={name} aria-hidden="true">
          <span className="hj-tile" />
          <div className="hj-about">
            <span className="hj-bar" />
            <span className="hj-bar hj-bar-short" />
          </div>
        </div>
      ))}
    </div>
  );
}
