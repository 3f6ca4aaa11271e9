import { useLayoutEffect, useState } from "preact/hooks";
import { useModal } from "./focus";
import { Icon } from "./parts";
import { PAGES } from "./shell";
import { useDashboard } from "./state";

export function Palette({ close }: { close(): void }) {
  const { lock } = useDashboard();
  const [text, setText] = useState("");
  const pasted = text.trim();
  const entries: [string, string, string, string][] = [];
  const quoted = encodeURIComponent(pasted);
  if (/^ses_/.test(pasted)) entries.push([`#/sessions/${quoted}`, "Open this session", "sessions", "ses_…"]);
  else if (/^[\d.]+(\/\d+)?$|^[0-9a-f:]+:[0-9a-f:]*(\/\d+)?$/i.test(pasted))
    entries.push([`#/sessions?ip_address=${quoted}`, "Sessions from this address", "globe", ""]);
  else if (pasted !== "" && !PAGES.some(([, label]) => label.toLowerCase().startsWith(pasted.toLowerCase())))
    entries.push([`#/sessions?user_id=${quoted}`, "Sessions of this user", "user", ""]);
  for (const [path, label, icon, key] of PAGES)
    if (label.toLowerCase().includes(pasted.toLowerCase()))
      entries.push([`#/${path}`, label, icon, `G ${key.toUpperCase()}`]);
  if (pasted === "") entries.push(["#/end", "End many sessions…", "stop", ""]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const first = entries[0];
    if (!first) return;
    close();
    location.hash = first[0];
  };
  return (
    <dialog class="dialog palette" aria-label="Go to" {...useModal(close)}>
      <form class="palette-field" onSubmit={submit}>
        <Icon name="search" />
        <label class="sr" for="palette-input">
          Paste an id or an address, or type where to go
        </label>
        <input
          id="palette-input"
          type="text"
          placeholder="Paste an id or an address, or type where to go"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button class="btn btn-s" type="button" onClick={close}>
          Esc
        </button>
      </form>
      <ul class="palette-list">
        {entries.map(([href, label, icon, hint]) => (
          <li key={href}>
            <a href={href} onClick={close}>
              <Icon name={icon} />
              {label}
              <span class="hint">{hint}</span>
            </a>
          </li>
        ))}
        {pasted === "" && (
          <li>
            <button type="button" class="palette-lock" onClick={lock}>
              <Icon name="lock" />
              Lock the dashboard
            </button>
          </li>
        )}
      </ul>
    </dialog>
  );
}

const KEYS: [string[], string][] = [
  [["Ctrl", "K"], "Go to, or open a pasted id"],
  [["/"], "Add a filter"],
  [["G", "O S E T K"], "Overview, Sessions, Events, Session Settings, Keys"],
  [["J", "K"], "Next row, previous row"],
  [["Enter"], "Open the row"],
  [["D"], "Comfortable or compact rows"],
  [["Esc"], "Close what is open"],
  [["?"], "This list"],
];

export function Keyboard({ close }: { close(): void }) {
  return (
    <dialog class="dialog" aria-labelledby="keyboard-title" {...useModal(close)}>
      <div class="dialog-body">
        <h2 id="keyboard-title">Keyboard</h2>
        <dl class="facts">
          {KEYS.map(([keys, what]) => (
            <>
              <dt>
                {keys.map((key) => (
                  <>
                    <kbd>{key}</kbd>{" "}
                  </>
                ))}
              </dt>
              <dd>{what}</dd>
            </>
          ))}
        </dl>
      </div>
      <div class="dialog-foot">
        <button class="btn" type="button" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}

/** The keys that hold on every page. Off while text is typed and while a dialog asks. */
export function useKeys(open: (overlay: "palette" | "keyboard") => void) {
  // Before the page is painted: no key that is pressed on what shows is lost.
  useLayoutEffect(() => {
    let isGoing = false;
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      const isTyping = (event.target as Element).closest?.("input, select, textarea, dialog:modal");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      const page = isGoing && PAGES.find(([, , , key]) => key === event.key.toLowerCase());
      isGoing = event.key === "g";
      if (page) location.hash = `#/${page[0]}`;
      else if (event.key === "?") open("keyboard");
      else if (event.key === "/") {
        const menu = document.querySelector<HTMLElement>("details.menu > summary");
        if (menu) event.preventDefault();
        menu?.click();
        menu?.focus();
      } else if (event.key === "d") document.getElementById("density")?.click();
      else if (event.key === "j" || event.key === "k") moveRow(event.key === "j" ? 1 : -1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [open]);
}

function moveRow(by: number) {
  const rows = [...document.querySelectorAll<HTMLElement>(".table-rows .col-device a")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))]?.focus();
}
