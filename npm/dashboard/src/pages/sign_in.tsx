import { useEffect, useRef, useState } from "preact/hooks";
import { type Api, createApi, describeError, type Settings } from "../api";
import { Icon } from "../parts";
import { Mark, ThemeChoice } from "../shell";

/** Asks for the secret key. It is tried at once, and kept by the page's memory only. */
export function SignIn({
  tenantId,
  version,
  done,
}: {
  tenantId: string;
  version: string;
  done(ask: Api, settings: Settings): void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isShown, setShown] = useState(false);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Sign in · HelloJohn";
    input.current?.focus();
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? "";
    if (!key.startsWith("sk_")) {
      setProblem("A secret key begins with sk_.");
      input.current?.focus();
      return;
    }
    setBusy(true);
    try {
      const ask = createApi(key);
      done(ask, await ask<Settings>("v1/admin/config"));
    } catch (error) {
      setProblem(describeError(error));
      setBusy(false);
      input.current?.focus();
    }
  };
  return (
    <div class="entrance">
      <header class="people-top">
        <span class="grow" />
        <ThemeChoice />
      </header>
      <main class="entrance-main">
        <div class="entrance-card">
          <Mark />
          <h1>Session dashboard</h1>
          <p class="lead">
            of tenant <span class="id">{tenantId}</span>
          </p>
          <form class="entrance-form" onSubmit={submit}>
            <input
              class="sr"
              type="text"
              name="username"
              autocomplete="username"
              value={tenantId}
              readOnly
              tabIndex={-1}
              aria-hidden="true"
            />
            <div class="field">
              <label class="label" for="secret">
                Secret key
              </label>
              <span class="with-button">
                <input
                  ref={input}
                  class="input input-lg mono"
                  id="secret"
                  {...(isShown ? { type: "text" } : { type: "password" })}
                  placeholder="sk_…"
                  autocomplete="current-password"
                  spellcheck={false}
                  aria-invalid={problem !== null}
                  aria-describedby="secret-hint"
                />
                <button
                  class="btn btn-s btn-quiet"
                  type="button"
                  aria-pressed={isShown}
                  onClick={() => setShown(!isShown)}
                >
                  {isShown ? "Hide" : "Show"}
                </button>
              </span>
              <p class="hint" id="secret-hint">
                Kept in the memory of this page. Reloading it, or the lock above, forgets it.
              </p>
            </div>
            {problem && (
              <div class="note note-danger" role="alert">
                <Icon name="alert" />
                <span>{problem}</span>
              </div>
            )}
            <button
              class="btn btn-primary btn-lg btn-block"
              type="submit"
              disabled={isBusy}
              aria-busy={isBusy}
            >
              Open
            </button>
          </form>
          <p class="entrance-foot hint">HelloJohn {version}</p>
        </div>
      </main>
    </div>
  );
}
