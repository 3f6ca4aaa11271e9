// What a caller knows of the sessions of its users, which no other caller signs in. An instant around which a session or a
// token ends by the clock is one at which nothing is claimed.
import { randomUUID } from "node:crypto";

const USERS = 12;
/** Around an end by the clock, in ms. */
const UNSURE = 1_500;
/** How many ended sessions are remembered, to be tried again. */
const REMEMBERED = 100;

export class Known {
  shortDuration = "15s";
  #cap;
  #users = Array.from({ length: USERS }, () => `usr_${randomUUID()}`);
  /** By user: oldest first. */
  #active = new Map(this.#users.map((user) => [user, []]));
  #ended = [];

  constructor(cap) {
    this.#cap = cap;
  }

  pickUser() {
    return this.#users[Math.floor(Math.random() * USERS)];
  }

  /** A session that is surely active, with an access token that is surely alive unless it need not be, if there is one. */
  pick({ withDeadToken = false } = {}) {
    const now = Date.now();
    for (let tried = 0; tried < 10; tried += 1) {
      const sessions = this.#active.get(this.pickUser());
      const session = sessions[Math.floor(Math.random() * sessions.length)];
      if (!session || session.ends < now + UNSURE) continue;
      if (withDeadToken || session.tokenEnds > now + UNSURE) return session;
    }
    return null;
  }

  pickEnded() {
    return this.#ended[Math.floor(Math.random() * this.#ended.length)];
  }

  /** A user's sessions that have not ended by the clock, and whether that is sure of all of them. */
  activeOf(user) {
    const now = Date.now();
    const sessions = this.#active.get(user);
    for (const session of sessions.filter(({ ends }) => ends < now - UNSURE)) this.ended(session);
    const left = this.#active.get(user);
    const sure = left.every(({ ends }) => ends > now + UNSURE);
    return { sure, sessions: left.filter(({ ends }) => ends > now) };
  }

  /** A sign-in was answered: which sessions the cap must have ended, and whether that is sure. */
  signedIn(user, grant) {
    const { sure } = this.activeOf(user);
    const session = { id: grant.session.id, user };
    this.refreshed(session, grant);
    if (!sure) {
      // The answer itself says which ones.
      const evicted = this.#active.get(user).filter(({ id }) => grant.evicted.includes(id));
      for (const one of evicted) this.ended(one);
      this.#active.get(user).push(session);
      return { evicted, unsure: true };
    }
    const active = this.#active.get(user);
    const evicted = active.slice(0, Math.max(0, active.length + 1 - this.#cap));
    for (const one of evicted) this.ended(one);
    this.#active.get(user).push(session);
    return { evicted, unsure: false };
  }

  refreshed(session, grant) {
    this.updated(session, grant);
    session.refreshToken = grant.refreshToken;
  }

  updated(session, answer) {
    session.accessToken = answer.accessToken;
    session.ends = answer.session.refreshExpiresAt.getTime();
    session.tokenEnds = answer.session.expiresAt.getTime();
  }

  ended(session) {
    const active = this.#active.get(session.user);
    this.#active.set(
      session.user,
      active.filter((one) => one !== session),
    );
    this.#ended.push(session);
    if (this.#ended.length > REMEMBERED) this.#ended.shift();
  }
}
