import { createHash, createHmac } from "node:crypto";
import { validationError } from "./errors";
import { EventConsumer, Later, Over } from "./event_consumer";
import type { Event, EventType } from "./generated/types";
import { Buffer, now, URL } from "./internal/globals";
import type { NativeTenant } from "./internal/native_types";
import {
  copyJson,
  readOptionalBoolean,
  readOptionalText,
  readRequiredMembers,
  readText,
  readWholeNumber,
} from "./internal/validate";
import { Poster } from "./internal/webhook_request";

/** Where the events of a tenant are posted to. */
export interface WebhookOptions {
  /** The receiver: `https://…`, or `http://…` for one on a network that you trust. */
  url: string;
  /** What signs the posts: `whsec_` and 24 to 64 bytes in base64. `openssl rand -base64 32` makes such bytes. */
  secret: string;
  /** Only events of these types. */
  types?: readonly EventType[] | null | undefined;
  /**
   * Under which name the position is kept in the database, 1 to 100 bytes. Default: one that belongs to `url`, so that another
   * URL begins with the oldest event that is kept.
   */
  name?: string | null | undefined;
  /** Within how many seconds a post must be answered, 1 to 60; default 15. */
  timeoutSeconds?: number | null | undefined;
  /** Whether a redirect may lead to an address of a private network or of this machine; default false. */
  allowPrivateRedirects?: boolean | null | undefined;
}

/**
 * Why a webhook ended: `stopped` by {@link Webhook.stop}; `gone`: the receiver answered 410; `failing`: it has not taken an event
 * for three days. In every case the position is kept.
 */
export type WebhookEnd = "stopped" | "gone" | "failing";

const OPTIONS = ["url", "secret", "types", "name", "timeoutSeconds", "allowPrivateRedirects"];

const HOUR = 3_600_000;

/** For how long one event is posted again, in ms. */
const TRIED_FOR = 72 * HOUR;

/** A running webhook: `hj.webhooks(…)`. */
export class Webhook {
  /** Resolves with why the webhook ended; rejects when it cannot go on (`engine_closed`, a `storage_…` code). */
  readonly ended: Promise<WebhookEnd>;
  readonly #consumer: EventConsumer;
  readonly #poster: Poster;
  readonly #key: Buffer;
  /** Since when the event that is posted now has failed, and how often. */
  #failing: { id: string; since: number; count: number } | null = null;
  #lastFailure: string | null = null;

  /** @internal */
  constructor(tenant: NativeTenant, options: WebhookOptions) {
    const found = readRequiredMembers("options", options, OPTIONS);
    const url = readUrl(found.get("url"));
    this.#key = readSecret(found.get("secret"));
    const timeout = readWholeNumber("timeoutSeconds", found.get("timeoutSeconds"), 60) ?? 15;
    if (timeout === 0) throw validationError("timeoutSeconds", "must be a whole number from 1 to 60");
    const allowPrivateRedirects = readOptionalBoolean(
      "allowPrivateRedirects",
      found.get("allowPrivateRedirects"),
    );
    const digest = createHash("sha256").update(url.href).digest("base64url");
    const name = readOptionalText("name", found.get("name")) ?? `webhook:${digest}`;
    const types = copyJson("types", found.get("types") ?? null);
    this.#poster = new Poster(url, {
      timeoutMs: timeout * 1000,
      allowPrivateRedirects: allowPrivateRedirects ?? false,
    });
    const query = JSON.stringify({ types, limit: 100 });
    this.#consumer = new EventConsumer(tenant, name, (event) => this.#deliver(event), query);
    this.ended = this.#watch();
    // The host may look at `ended` later, or never.
    this.ended.catch(() => undefined);
  }

  /** One line about the last post that failed, such as `answered 500`; null if the last one was taken, or none was made. */
  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  /**
   * Ends the webhook after the post that it is at, and lets another process go on at once.
   *
   * @example
   * ```js
   * await webhook.stop();
   * ```
   */
  async stop(): Promise<void> {
    // `ended` says how it went.
    this.#consumer.stop().catch(() => undefined);
    await this.ended;
  }

  async #watch(): Promise<WebhookEnd> {
    try {
      await this.#consumer.ended;
      return "stopped";
    } catch (error) {
      if (error instanceof Over) return error.why as WebhookEnd;
      throw error;
    } finally {
      this.#poster.close();
    }
  }

  async #deliver(event: Event): Promise<void> {
    const body = toBody(event);
    const time = Math.floor(Date.now() / 1000);
    const { status, retryAfter, failure } = await this.#poster.post(
      {
        "content-type": "application/json",
        "user-agent": "hellojohn-webhooks",
        "webhook-id": event.id,
        "webhook-timestamp": String(time),
        "webhook-signature": sign(this.#key, event.id, time, body),
      },
      body,
    );
    this.#lastFailure = failure || null;
    if (!failure) {
      this.#failing = null;
      return;
    }
    if (status === 410) throw new Over("gone");
    if (this.#failing?.id !== event.id) this.#failing = { id: event.id, since: now(), count: 0 };
    const { since, count } = this.#failing;
    this.#failing.count += 1;
    const wait = waitBeforePost(count, now() - since, readRetryAfter(retryAfter, Date.now()));
    if (wait === null) throw new Over("failing");
    throw new Later(wait);
  }
}

/** The event as `GET /v1/events` has it, in the envelope that Standard Webhooks recommends. */
function toBody(event: Event): string {
  const { seq, id, type, sessionId, userId, actor } = event;
  const at = event.at.toISOString();
  const data = { seq, id, type, at, session_id: sessionId, user_id: userId, actor, data: event.data };
  return JSON.stringify({ type, timestamp: at, data });
}

function sign(key: Buffer, id: string, time: number, body: string): string {
  return `v1,${createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64")}`;
}

function readUrl(value: unknown): URL {
  const text = readText("url", value);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw validationError("url", "must be a URL that begins with https:// or http://");
  }
  if (url.username || url.password) throw validationError("url", "must not have a user or a password");
  url.hash = "";
  return url;
}

function readSecret(value: unknown): Buffer {
  const text = readText("secret", value);
  const encoded = text.startsWith("whsec_") ? text.slice(6) : "";
  const key = Buffer.from(encoded, "base64");
  if (key.toString("base64") !== encoded || key.length < 24 || key.length > 64) {
    throw validationError("secret", "must be whsec_ and 24 to 64 bytes in base64");
  }
  return key;
}

/**
 * The milliseconds that `Retry-After` asks for, by seconds or by date; 0 if it asks for none.
 * @internal
 */
export function readRetryAfter(header: string | null, time: number): number {
  if (header === null) return 0;
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - time;
  return wait > 0 ? wait : 0;
}

/**
 * How many ms to wait before an event is posted again that failed so many times before this one, the first time so many ms ago;
 * null when it was tried for long enough. The receiver may ask for a longer wait, up to a day.
 * @internal
 */
export function waitBeforePost(failures: number, triedFor: number, asked: number): number | null {
  if (triedFor >= TRIED_FOR) return null;
  const usual = Math.min(1_000 * 4 ** Math.min(failures, 10), HOUR) * (0.75 + Math.random() / 2);
  // The last post is made when the three days are over, not before.
  return Math.min(Math.max(usual, Math.min(asked, 24 * HOUR)), TRIED_FOR - triedFor);
}
