import type { Operation } from "../generated/operation";
import { AnswerCache, type CacheLimits } from "../internal/answer_cache";
import type { NativeTenant } from "../internal/native_types";
import { fromCache } from "../internal/observation";

/** Guards of the same options: who passes one of them passes all. */
export interface GuardKind {
  /** One bit of {@link KnownUser.passed}; 0 for the guards of options that came when all bits were given away. */
  readonly bit: number;
  /** As what the engine tells of its answers; null until there was one. */
  operation: Operation | null;
}

interface KnownUser<T> {
  readonly user: T;
  /** The kinds of guards that this user has passed since the session changed last, one bit each. */
  passed: number;
}

/** How many kinds of guards there are bits for. */
const KINDS_MAX = 30;

/** Of the kinds that got no bit. */
const LAST: GuardKind = { bit: 0, operation: null };

/**
 * The users that guards have let pass, by the `Authorization` header that proved them. An answer is used as long as the engine
 * says that it is fresh, as those of the {@link AnswerCache} about tokens are.
 */
export class KnownUsers<T> {
  readonly #tenant: NativeTenant;
  readonly #tenantId: string;
  readonly #users: AnswerCache<KnownUser<T>>;
  readonly #kinds = new Map<string, GuardKind>();

  constructor(tenant: NativeTenant, tenantId: string, limits: CacheLimits) {
    this.#tenant = tenant;
    this.#tenantId = tenantId;
    this.#users = new AnswerCache(tenant, limits);
  }

  /** The kind of guards with these options, as JSON. `check` throws for bad ones; it is called unless they are known. */
  kindOf(options: string, check: () => void): GuardKind {
    const known = this.#kinds.get(options);
    if (known) return known;
    check();
    if (this.#kinds.size === KINDS_MAX) return LAST;
    const kind: GuardKind = { bit: 1 << this.#kinds.size, operation: null };
    this.#kinds.set(options, kind);
    return kind;
  }

  /** The user of these credentials, if a guard of this kind has let it pass and nothing has changed since. */
  find(credentials: string, { bit, operation }: GuardKind): T | undefined {
    if (operation === null) return undefined;
    return fromCache(operation, this.#tenantId, () => {
      const known = this.#users.get(credentials);
      return known && (known.passed & bit) !== 0 ? known.user : undefined;
    });
  }

  /** Remembers the engine's answer, with the number of its validator, for guards of this kind. */
  keep(credentials: string, number: number, user: T, { bit }: GuardKind): void {
    if (bit === 0) return;
    const known = this.#users.getUnchanged(credentials);
    if (!known) this.#users.keep(credentials, number, { user, passed: bit });
    // Answers may come in another order than they were given. Where nothing has changed since either was given, both are about the
    // session as it is; an answer from before a change adds nothing to one from after it.
    else if (this.#tenant.isUnchanged(number)) known.passed |= bit;
  }
}
