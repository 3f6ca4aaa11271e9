import type { HelloJohnError } from "./errors.js";
import type { User } from "./user.js";

/** `loading` until the first answer tells whether there is a session. */
export type Status = "loading" | "signed_in" | "signed_out";

/** What is known of the session. A change makes a new object; the same object means that nothing has changed. */
export interface State {
  /** Whether a user is signed in. */
  readonly status: Status;
  /** Null unless `status` is `signed_in`. */
  readonly user: User | null;
  /**
   * Why the session ended (`session_revoked`, `session_expired`, …), or why the last refresh brought no answer
   * (`network_error`); null after a sign-in, a sign-out by the user, and while all is well.
   */
  readonly error: HelloJohnError | null;
}
