"use client";

import {
  type Client,
  type ClientOptions,
  type Credentials,
  createClient,
  type HelloJohnError,
  type Session,
  type Status,
  type User,
} from "@hellojohn/client";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { SessionStore, type Snapshot } from "./store.js";

const StoreContext = createContext<SessionStore | null>(null);

/** A client of the application's own, or the options for one. Neither may change later. */
export type HelloJohnProviderProps = { children?: ReactNode } & (
  | { client: Client }
  | ({ client?: undefined } & ClientOptions)
);

/**
 * Gives the components below it the user's session.
 *
 * @example
 * ```tsx
 * <HelloJohnProvider baseUrl="/auth">
 *   <App />
 * </HelloJohnProvider>
 * ```
 */
export function HelloJohnProvider({ children, ...props }: HelloJohnProviderProps): ReactNode {
  const [store] = useState(() => new SessionStore(props.client ?? createClient(props)));
  const isOwn = props.client === undefined;
  useEffect(() => (isOwn ? () => store.client.close() : undefined), [store, isOwn]);
  return <StoreContext.Provider value={store}>{children}</StoreContext.Provider>;
}

/** The user's session, for components. */
export interface HelloJohn {
  /** `loading` on a server, and in a browser until the first answer. */
  status: Status;
  /** The user who is signed in; null unless `status` is `signed_in`. */
  user: User | null;
  /** The sessions of the user, newest sign-in first; empty until they are loaded. The first use loads them. */
  sessions: readonly Session[];
  /** Why the session ended, or why the last request for it brought no answer. */
  error: HelloJohnError | null;
  /** Ends a session; the current one by signing out. Rejects with a `HelloJohnError`. */
  revokeSession: (id: string) => Promise<void>;
  /** Ends all sessions but the current one. Rejects with a `HelloJohnError`. */
  revokeOtherSessions: () => Promise<{ revoked: number }>;
  /** Rejects with `invalid_credentials`, `too_many_requests`, … */
  signIn: (credentials: Credentials) => Promise<User>;
  /** Ends this session, or with `scope: "global"` all of the user's. Rejects where no answer came: the user stays signed in. */
  signOut: (options?: { scope?: "local" | "global" }) => Promise<void>;
  /** Gets a new access token, and the sessions again. */
  refresh: () => Promise<void>;
  /** For requests to the application's API: `client.fetch`. */
  client: Client;
}

/**
 * The user's session. The component renders again when it changes.
 *
 * @example
 * ```js
 * const { status, user, signOut } = useHelloJohn();
 * ```
 */
export function useHelloJohn(): HelloJohn {
  const store = useSessionStore();
  const { status, user, error, sessions } = useSnapshot(store);
  const readsSessions = useRef(false);
  useEffect(() => {
    if (readsSessions.current) store.wantSessions();
  });
  const { revokeSession, revokeOtherSessions, signIn, signOut, refresh, client } = store;
  return {
    status,
    user,
    error,
    get sessions() {
      readsSessions.current = true;
      return sessions;
    },
    revokeSession,
    revokeOtherSessions,
    signIn,
    signOut,
    refresh,
    client,
  };
}

/** The store of the provider. */
export function useSessionStore(): SessionStore {
  const store = useContext(StoreContext);
  if (!store) throw new Error("useHelloJohn needs a <HelloJohnProvider> around the component");
  return store;
}

export function useSnapshot(store: SessionStore): Snapshot {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}
