/** Everything that `<SessionManager/>` says. Give your own for another language. */
export interface Texts {
  /** English: "Your devices" */
  title: string;
  /** How many devices there are, this one among them. */
  lead: (devices: number) => string;
  /** English: "This device" */
  thisDevice: string;
  /** English: "Other devices" */
  otherDevices: string;
  /** A browser or app on a system, of which either may be unknown. */
  deviceName: (browser: string | null, system: string | null) => string;
  /** English: "New" */
  newDevice: string;
  /** Of a session in which another person acts for the user, such as support. */
  actsForYou: (userId: string) => string;
  /** English: "Reason" */
  actsBecause: string;
  /** English: "active now" */
  activeNow: string;
  /** When the device was used last, as "2 hours ago". */
  active: (when: string) => string;
  /** When the user signed in there. */
  signedIn: (when: string) => string;
  /** English: "Sign out" */
  signOut: string;
  /** For screen readers: it begins with the words of the button. */
  signOutDevice: (name: string) => string;
  /** English: "Was this not you?" */
  wasItYou: string;
  /** What to do if not: with a link to the password if there is a page for it. */
  signItOut: string;
  /** English: "Sign it out, then" */
  signItOutThen: string;
  /** English: "change your password" */
  changePassword: string;
  /** English: "Details" */
  details: string;
  /** English: "Address" */
  address: string;
  /** English: "Signed in" */
  signedInAt: string;
  /** English: "Stays until" */
  staysUntil: string;
  /** English: "Sign out everywhere else" */
  everywhereElse: string;
  /** English: "You stay signed in here. Good after you changed your password or lost a device." */
  everywhereElseHint: string;
  /** The button of the dialog; how many devices it ends. */
  signOutDevices: (devices: number) => string;
  /** English: "Cancel" */
  cancel: string;
  /** English: "Sign out this device?" */
  confirmOne: string;
  /** English: "The person who uses it has to sign in again. Nothing on it is deleted." */
  confirmOneHint: string;
  /** English: "Sign out everywhere else?" */
  confirmOthers: string;
  /** Below the question; how many other devices there are. */
  confirmOthersHint: (devices: number) => string;
  /** English: "Signed out." */
  doneOne: string;
  /** What was done; on how many devices. */
  doneOthers: (devices: number) => string;
  /** Where services check tokens without asking: until then the device may go on. */
  within: (minutes: number) => string;
  /** English: "Loading your devices" */
  loading: string;
  /** English: "You are signed out." */
  signedOut: string;
  /** English: "Your devices could not be loaded. You may be offline." */
  failedToLoad: string;
  /** English: "Could not sign it out. You may be offline." */
  failedToSignOut: string;
  /** English: "Try again" */
  tryAgain: string;
}

const count = (devices: number) => `${devices} ${devices === 1 ? "device" : "devices"}`;

/** The texts in English, which are the default. */
export const ENGLISH: Texts = {
  title: "Your devices",
  lead: (devices) =>
    devices === 1
      ? "You are signed in on this device only."
      : `You are signed in on ${count(devices)}. Sign out any that you do not know or no longer use.`,
  thisDevice: "This device",
  otherDevices: "Other devices",
  deviceName: (browser, system) =>
    browser && system ? `${browser} on ${system}` : (browser ?? system ?? "Unknown device"),
  newDevice: "New",
  actsForYou: (userId) => `${userId} acts for you`,
  actsBecause: "Reason",
  activeNow: "active now",
  active: (when) => `active ${when}`,
  signedIn: (when) => `signed in ${when}`,
  signOut: "Sign out",
  signOutDevice: (name) => `Sign out ${name}`,
  wasItYou: "Was this not you?",
  signItOut: "Sign it out.",
  signItOutThen: "Sign it out, then",
  changePassword: "change your password",
  details: "Details",
  address: "Address",
  signedInAt: "Signed in",
  staysUntil: "Stays until",
  everywhereElse: "Sign out everywhere else",
  everywhereElseHint: "You stay signed in here. Good after you changed your password or lost a device.",
  signOutDevices: (devices) => `Sign out ${count(devices)}`,
  cancel: "Cancel",
  confirmOne: "Sign out this device?",
  confirmOneHint: "The person who uses it has to sign in again. Nothing on it is deleted.",
  confirmOthers: "Sign out everywhere else?",
  confirmOthersHint: (devices) =>
    devices === 1
      ? "Your other device has to sign in again. You stay signed in here."
      : `Your ${devices} other devices have to sign in again. You stay signed in here.`,
  doneOne: "Signed out.",
  doneOthers: (devices) => `Signed out on ${count(devices)}.`,
  within: (minutes) => `It may go on for up to ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
  loading: "Loading your devices",
  signedOut: "You are signed out.",
  failedToLoad: "Your devices could not be loaded. You may be offline.",
  failedToSignOut: "Could not sign it out. You may be offline.",
  tryAgain: "Try again",
};

/**
 * What a person reads at the next sign-in, by the code of the error that ended the session.
 *
 * @example
 * ```tsx
 * <p>{error && describeEnd(error.code)}</p>
 * ```
 */
export function describeEnd(code: string): string {
  return ENDS.get(code) ?? "You were signed out. Sign in to go on.";
}

const ENDS = new Map([
  ["session_expired", "Your sign-in has ended. Sign in to go on."],
  ["refresh_token_reused", "You were signed out to protect your account: an old sign-in was used again."],
]);
