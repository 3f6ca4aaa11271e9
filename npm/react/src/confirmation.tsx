import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import type { Texts } from "./texts.js";

interface ConfirmationProps {
  title: string;
  hint: string;
  action: string;
  level: number;
  isBusy: boolean;
  failure: string | null;
  texts: Texts;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something ends. The focus is on the harmless choice, and returns to the button that opened it. */
export function Confirmation(props: ConfirmationProps): ReactNode {
  const { title, hint, action, level, isBusy, failure, texts, onConfirm, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const hintId = useId();
  // Closed while it is still in the page, the dialog gives the focus back.
  useLayoutEffect(() => {
    const opened = dialog.current;
    if (opened && !opened.open) opened.showModal();
    return () => opened?.close();
  }, []);
  const Heading = `h${level}` as "h3";
  return (
    <dialog
      ref={dialog}
      className="hj-dialog"
      aria-labelledby={titleId}
      aria-describedby={hintId}
      onCancel={(event) => {
        event.preventDefault();
        if (!isBusy) onClose();
      }}
    >
      <div className="hj-dialog-body">
        <Heading id={titleId}>{title}</Heading>
        <p id={hintId}>{hint}</p>
        {failure && (
          <p className="hj-failure" role="alert">
            {failure}
          </p>
        )}
      </div>
      <div className="hj-dialog-foot">
        <button type="button" className="hj-button" onClick={onClose} disabled={isBusy}>
          {texts.cancel}
        </button>
        <button
          type="button"
          className="hj-button hj-button-primary"
          onClick={() => !isBusy && onConfirm()}
          aria-disabled={isBusy}
          aria-busy={isBusy}
        >
          {action}
        </button>
      </div>
    </dialog>
  );
}
