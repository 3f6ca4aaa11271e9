import { createContext } from "preact";
import { useCallback, useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api, Settings } from "./api";
import type { NewestEvents } from "./events";

/** What every page has. */
export interface Dashboard {
  ask: Api;
  tenantId: string;
  settings: Settings;
  setSettings(settings: Settings): void;
  toast(text: string): void;
  lock(): void;
  newestEvents: { current: NewestEvents | null };
  open(overlay: "palette" | "keyboard"): void;
}

export const DashboardContext = createContext<Dashboard | null>(null);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (!dashboard) throw new Error("outside of the dashboard");
  return dashboard;
}

export interface Loaded<T> {
  /** While it is loading: what was loaded before, for the dependencies of then. */
  data: T | null;
  error: unknown;
  isLoading: boolean;
  loadedAt: number;
  reload(): void;
}

/** Loads again when a dependency changes; what was asked before is given up. */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  dependencies: (string | number | boolean | null)[],
): Loaded<T> {
  const [state, setState] = useState<{ of: string; data: T | null; error: unknown; loadedAt: number }>({
    of: "",
    data: null,
    error: null,
    loadedAt: 0,
  });
  const [turn, setTurn] = useState(0);
  const wanted = JSON.stringify([turn, ...dependencies]);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const controller = new AbortController();
    latest
      .current(controller.signal)
      .then((data) => {
        if (!controller.signal.aborted) setState({ of: wanted, data, error: null, loadedAt: Date.now() });
      })
      .catch((error: unknown) => {
        if (!controller.signal.aborted) setState({ of: wanted, data: null, error, loadedAt: 0 });
      });
    return () => controller.abort();
  }, [wanted]);
  const reload = useCallback(() => setTurn((turn) => turn + 1), []);
  const isLoading = state.of !== wanted;
  const { data, error, loadedAt } = state;
  return { data, error: isLoading ? null : error, isLoading, loadedAt, reload };
}

/** The page and its parameters, from the part of the address behind `#`. */
export function readAddress(): { path: string[]; query: URLSearchParams } {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").map(decodeURIComponent), query: new URLSearchParams(query) };
}

export function useAddress() {
  const [address, setAddress] = useState(readAddress);
  useLayoutEffect(() => {
    const update = () => setAddress(readAddress());
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return address;
}
