import { render } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Api, readPageConfig, type Settings } from "./api";
import type { NewestEvents } from "./events";
import { Keyboard, Palette, useKeys } from "./overlays";
import { EndMany } from "./pages/end_many";
import { Events } from "./pages/events";
import { Keys } from "./pages/keys";
import { Overview } from "./pages/overview";
import { SessionPage } from "./pages/session";
import { Sessions } from "./pages/sessions";
import { SettingsPage } from "./pages/settings";
import { SignIn } from "./pages/sign_in";
import { applyTheme, Shell } from "./shell";
import { type Dashboard, DashboardContext, useAddress } from "./state";

interface PageConfig {
  tenant_id: string;
  version: string;
}

const TOAST_MS = 6_000;

function App({ config }: { config: PageConfig }) {
  const [signedIn, setSignedIn] = useState<{ ask: Api } | null>(null);
  const [settings, setSettings] = useState<Settings | null>(null);
  if (!signedIn || !settings)
    return (
      <SignIn
        tenantId={config.tenant_id}
        version={config.version}
        done={(ask, settings) => {
          setSettings(settings);
          setSignedIn({ ask });
        }}
      />
    );
  const lock = () => {
    setSignedIn(null);
    setSettings(null);
  };
  return (
    <SignedIn
      ask={signedIn.ask}
      tenantId={config.tenant_id}
      settings={settings}
      setSettings={setSettings}
      lock={lock}
    />
  );
}

function SignedIn(given: Pick<Dashboard, "ask" | "tenantId" | "settings" | "setSettings" | "lock">) {
  const [overlay, setOverlay] = useState<"palette" | "keyboard" | null>(null);
  const [toast, setToast] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const showToast = useCallback((text: string) => {
    setToast(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setToast(""), TOAST_MS);
  }, []);
  const open = useCallback((overlay: "palette" | "keyboard") => setOverlay(overlay), []);
  const { ask, tenantId, settings, setSettings, lock } = given;
  const newestEvents = useRef<NewestEvents | null>(null);
  const dashboard = useMemo(
    () => ({ ask, tenantId, settings, setSettings, lock, open, toast: showToast, newestEvents }),
    [ask, tenantId, settings, setSettings, lock, open, showToast],
  );
  useKeys(open);
  const { path, query } = useAddress();
  const [page = "", id] = path;
  // A screen reader goes on at the beginning of the page that was opened, after the sign-in too; a filter is the same page.
  const place = path.join("/");
  useEffect(() => {
    document.getElementById("main")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [place]);
  const shown = () => {
    switch (page) {
      case "sessions":
        return id ? <SessionPage key={id} id={id} /> : <Sessions query={query} />;
      case "end":
        return <EndMany query={query} />;
      case "events":
        return <Events query={query} />;
      case "settings":
        return <SettingsPage />;
      case "keys":
        return <Keys />;
      default:
        return <Overview />;
    }
  };
  const close = () => setOverlay(null);
  const known = ["sessions", "events", "settings", "keys"].includes(page);
  return (
    <DashboardContext.Provider value={dashboard}>
      <Shell page={page === "end" ? "sessions" : known ? page : "overview"}>{shown()}</Shell>
      {overlay === "palette" && <Palette close={close} />}
      {overlay === "keyboard" && <Keyboard close={close} />}
      <div class="toasts" role="status" aria-live="polite">
        {toast && <p class="toast">{toast}</p>}
      </div>
    </DashboardContext.Provider>
  );
}

applyTheme();
const root = document.getElementById("app");
readPageConfig().then(
  (config) => root && render(<App config={config} />, root),
  () => {
    if (root) root.textContent = "The server does not answer. Reload the page to try again.";
  },
);
