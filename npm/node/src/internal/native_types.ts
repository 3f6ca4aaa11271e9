/**
 * The interface of the native addon (`bindings/node`). A method of {@link NativeTenant} returns the number of its call,
 * whose answer the completion queue delivers, or the answer itself where the addon had it at once.
 */
export interface Addon {
  version(): string;
  errorStatuses(): Record<string, number>;
  isFirstInProcess(): boolean;
  newHolder(): Uint8Array;
  closeEngines(): void;
  CompletionQueue: new (deliver: (batch: CompletedCalls) => void) => CompletionQueue;
  NativeClock: new (at: number) => NativeClock;
  NativeTenant: new (
    completionQueue: CompletionQueue,
    options: string,
    secretKey: string,
    clock: NativeClock | null,
  ) => NativeTenant;
  Rest: new (tenant: NativeTenant, options: string, isMounted: boolean) => Rest;
  NativeProgress: new () => NativeProgress;
  NativeCopyProgress: new () => NativeCopyProgress;
  copyDatabase(
    completionQueue: CompletionQueue,
    from: string,
    to: string,
    progress: NativeCopyProgress,
  ): number;
  checkDatabase(completionQueue: CompletionQueue, database: string): number;
  lowerLease(completionQueue: CompletionQueue, database: string, longestMs: number): number;
  verifyEventLog(completionQueue: CompletionQueue, path: string, jwks: string): number;
  backupDatabase(
    completionQueue: CompletionQueue,
    database: string,
    to: string,
    progress: NativeProgress,
  ): number;
  restoreDatabase(completionQueue: CompletionQueue, backup: string, to: string, policy: string): number;
  restoreDatabaseWithEvents(
    completionQueue: CompletionQueue,
    backup: string,
    to: string,
    log: string,
    jwks: string,
  ): number;
  runCommandLine(words: string[]): number;
  authorizeOptionsRefusal(options: string): Outcome | null;
  errorAnswer(code: string, detail: string, maxAge: number | null, factors: string[]): Outcome;
  restPaths(): string[];
  restBodyMax(): number;
  answerCacheMax(): number;
  tokenCacheCapacityMax(): number;
  tokenCacheBytesDefault(): number;
}

/** The number of a call, or its answer as JSON. */
export type Call = number | string;

/**
 * For each call in turn: its number, the error's code or null, and the answer, the error's detail, or null for a long answer,
 * which the queue keeps until it is taken.
 */
export type CompletedCalls = (number | string | null)[];

export interface CompletionQueue {
  readonly completionQueue: unique symbol;
  /** Throws for an answer that is longer than a text can be. */
  takeLongAnswer(call: number): string | null;
  setObserved(isObserved: boolean): void;
  /** 0 stands for the call that was answered last on this thread. */
  takeReports(call: number): string | null;
}

export interface NativeProgress {
  copiedBytes(): number;
  totalBytes(): number;
}

export interface NativeCopyProgress {
  phase(): "count" | "copy" | "verify";
  rows(): number;
  totalRows(): number;
}

export interface NativeClock {
  now(): number;
  set(at: number): void;
}

/** The outcome of a call: the error's code and detail, or null and the answer. */
export interface Outcome {
  code: string | null;
  text: string;
}

export interface NativeTenant {
  refusal(): Outcome | null;
  withActor(actor: string): NativeTenant;
  ready(): number;
  create(request: string): number;
  beginSignIn(account: string, address: string | null): number;
  succeedSignIn(attempt: string, request: string): number;
  failSignIn(attempt: string): number;
  cancelSignIn(attempt: string): number;
  refresh(refreshToken: string, request: string): number;
  adopt(credential: string, request: string): number;
  import(path: string, request: string): number;
  update(sessionId: string, patch: string): number;
  get(sessionId: string): Call;
  getTogether(sessionIds: string[], numbers: Int32Array): string;
  list(query: string): Call;
  listTogether(queries: string[], numbers: Int32Array): string;
  explain(sessionId: string): number;
  count(filter: string): number;
  verifySession(sessionId: string): Call;
  verifyAccessToken(token: string, inline: boolean): Call;
  isFresh(number: number): boolean;
  isUnchanged(number: number): boolean;
  verifyLocally(token: string, options: string): number;
  verifyLocallyInline(token: string, options: string): Call;
  verifyLocallySync(token: string, options: string): Outcome;
  revoke(sessionId: string): number;
  revokeUser(userId: string, except: string | null): number;
  revokeTenant(): number;
  revokeWhere(filter: string, plan: string | null): number;
  previewRevokeWhere(filter: string): number;
  signOut(token: string, scope: string | null): number;
  config(): number;
  updateConfig(patch: string): number;
  jwks(): number;
  keys(): number;
  rotateKeys(): number;
  retireKey(kid: string): number;
  changeSecretKey(secretKey: string): number;
  rotateRefreshKey(): number;
  events(query: string): Call;
  mayHaveEventsSince(mark: string): Outcome;
  sealEvents(): number;
  exportEvents(after: number, path: string): number;
  nextEvents(name: string, holder: Uint8Array, query: string): number;
  holdEvents(name: string, holder: Uint8Array, through: number): number;
  releaseEvents(name: string, holder: Uint8Array): number;
  maintain(): number;
  maintainInTurn(holder: Uint8Array, seconds: number): number;
  maintenanceInterval(): number | null;
  isOpen(): boolean;
  readsOverNetwork(): boolean;
  revocations(since: number): number;
  stats(): number;
  statsSeries(series: string): number;
  sweep(): number;
  purge(before: string): number;
  lowerClockMark(): number;
  close(): number;
}

/** How the host's check of credentials ended; `not_offered` when the host has none. */
export type SignInOutcome = "user" | "refused" | "failed" | "not_offered";

/**
 * The REST API with options of its own. `headers` holds names and values in turn. The answer of `finish`, and that of `begin`
 * unless the host has to check credentials first, is a line of JSON and then the body.
 */
export interface Rest {
  refusal(): Outcome | null;
  isApiPath(path: string): boolean;
  begin(
    method: string,
    target: string,
    headers: string[],
    body: Uint8Array,
    address: string | null,
    mountPath: string,
  ): number;
  finish(ticket: number, outcome: SignInOutcome, user: string | null): number;
  authorize(method: string, headers: string[], options: string, token: string | null): Call;
  renew(method: string, headers: string[], options: string, address: string | null): number;
}
