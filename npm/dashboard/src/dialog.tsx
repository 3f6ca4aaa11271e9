import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { useModal } from "./focus";
import { Failure } from "./parts";

export interface DialogProps {
  title: ComponentChildren;
  /** What the button that leaves everything as it is says. */
  keep: string;
  act: string;
  isDanger?: boolean;
  /** The text that must be typed before the button acts. */
  typed?: string;
  typedHint?: string;
  /** Whether the operator is asked for a name for the log. */
  hasActor?: boolean;
  run(actor: string): Promise<void>;
  close(): void;
  children: ComponentChildren;
}

/** Asks before something happens. A failure stays in the dialog. */
export function Dialog({
  title,
  keep,
  act,
  isDanger = false,
  typed,
  typedHint,
  hasActor,
  run,
  close,
  children,
}: DialogProps) {
  const id = useId();
  const [text, setText] = useState("");
  const [actor, setActor] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await run(actor.trim());
      close();
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  };
  const isReady = typed === undefined || text.trim() === typed;
  return (
    <dialog class="dialog" aria-labelledby={`${id}-title`} {...useModal(close)}>
      <form onSubmit={submit}>
        <div class="dialog-body">
          <h2 id={`${id}-title`}>{title}</h2>
          {children}
          {hasActor && (
            <div class="field">
              <label class="label" for={`${id}-actor`}>
                Your name or ticket, for the log
              </label>
              <input
                class="input"
                id={`${id}-actor`}
                type="text"
                maxLength={255}
                placeholder="Optional"
                autocomplete="off"
                value={actor}
                onInput={(event) => setActor(event.currentTarget.value)}
              />
            </div>
          )}
          {typed !== undefined && (
            <div class="field">
              <label class="label" for={`${id}-typed`}>
                Type <code>{typed}</code>
                {typedHint ?? " to confirm"}
              </label>
              <input
                class="input"
                id={`${id}-typed`}
                type="text"
                autocomplete="off"
                spellcheck={false}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            </div>
          )}
          {error !== null && <Failure error={error} />}
        </div>
        <div class="dialog-foot">
          <button class="btn" type="button" autofocus={typed === undefined && !hasActor} onClick={close}>
            {keep}
          </button>
          <button
            class={`btn ${isDanger ? "btn-danger-fill" : "btn-primary"}`}
            type="submit"
            disabled={!isReady || isBusy}
            aria-busy={isBusy}
          >
            {act}
          </button>
        </div>
      </form>
    </dialog>
  );
}
