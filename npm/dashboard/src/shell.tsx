import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./parts";
import { useDashboard } from "./state";

export const PAGES = [
  ["overview", "Overview", "overview", "o"],
  ["sessions", "Sessions", "sessions", "s"],
  ["events", "Events", "events", "e"],
  ["settings", "Session Settings", "settings", "t"],
  ["keys", "Keys", "key", "k"],
] as const;

export function Mark() {
  return (
    <svg class="brand-mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect x="1.5" y="3.5" width="21" height="17" rx="4" class="mark-a" />
      <rect x="3.5" y="9" width="17" height="9.5" rx="2" class="mark-b" />
      <path
        d="M6.5 15.25c1.6-3.6 2.9-3.6 3.1-1.3.1 1.7 1.3 1.7 2.3.1.9-1.5 1.9-1.3 2.2 0 .3 1.1 1.4 1.2 3.4-.3"
        fill="none"
        class="mark-c"
        stroke-width="1.5"
        stroke-linecap="round"
      />
    </svg>
  );
}

const THEMES = [
  ["light", "Light", "sun"],
  ["system", "As the system", "system"],
  ["dark", "Dark", "moon"],
] as const;

/** Storage may be off; the choice then lasts as long as the page. */
function keepTheme(theme: string) {
  try {
    localStorage.setItem("hj-theme", theme);
  } catch {}
}

function readTheme(): string {
  try {
    return localStorage.getItem("hj-theme") ?? "system";
  } catch {
    return "system";
  }
}

export function applyTheme(theme = readTheme()) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
  else delete document.documentElement.dataset["theme"];
}

export function ThemeChoice() {
  const [theme, setTheme] = useState(readTheme);
  const choose = (theme: string) => {
    setTheme(theme);
    keepTheme(theme);
    applyTheme(theme);
  };
  return (
    <fieldset class="segmented segmented-icons">
      <legend class="sr">Colours</legend>
      {THEMES.map(([value, label, icon]) => (
        <label key={value} title={label}>
          <input
            type="radio"
            name="theme"
            value={value}
            checked={value === theme}
            onChange={() => choose(value)}
          />
          <span>
            <Icon name={icon} size="icon-s" />
            <span class="sr">{label}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function Shell({ page, children }: { page: string; children: ComponentChildren }) {
  const { tenantId, lock, open } = useDashboard();
  const link = ([path, label, icon]: (typeof PAGES)[number]) => (
    <a key={path} href={`#/${path}`} aria-current={page === path ? "page" : undefined}>
      <Icon name={icon} />
      {path === "settings" ? (
        <>
          <span class="nav-long">{label}</span>
          <span class="nav-short">Settings</span>
        </>
      ) : (
        label
      )}
    </a>
  );
  const skip = (event: MouseEvent) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: where the address is the page's, a link to a part of it has to be followed by hand */}
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <div class="app">
        <header class="topbar">
          <a class="brand" href="#/overview">
            <Mark />
            HelloJohn
          </a>
          <span class="tenant">
            <span class="sr">Tenant</span> <span class="id">{tenantId}</span>
          </span>
          <span class="grow" />
          <button class="jump" type="button" onClick={() => open("palette")}>
            <Icon name="search" size="icon-s" />
            <span>Go to, or paste an id</span>
            <kbd>Ctrl K</kbd>
          </button>
          <ThemeChoice />
          <button
            class="btn btn-quiet btn-icon"
            type="button"
            title="Lock: forget the secret key"
            onClick={lock}
          >
            <Icon name="lock" />
            <span class="sr">Lock: forget the secret key</span>
          </button>
        </header>
        <nav class="nav" aria-label="Dashboard">
          {PAGES.slice(0, 3).map(link)}
          <p class="nav-title">Settings</p>
          {PAGES.slice(3).map(link)}
          <p class="nav-foot">
            All times UTC.{" "}
            <button class="copy" type="button" onClick={() => open("keyboard")}>
              Keyboard <kbd>?</kbd>
            </button>
          </p>
        </nav>
        <main class="main" id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </>
  );
}
