import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, describeError } from "./api";
import { formatDate, formatExact, formatRelative, shortenId } from "./format";
import { useDashboard } from "./state";

export function Icon({ name, size = "icon" }: { name: string; size?: "icon" | "icon-s" | "glyph" | "" }) {
  return (
    <svg class={size} aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}

export function Id({ of }: { of: string }) {
  return (
    <span class="id" title={of}>
      {shortenId(of)}
    </span>
  );
}

/** An id or an address in full, with a button that copies it. */
export function Copy({ text, short = false }: { text: string; short?: boolean }) {
  const { toast } = useDashboard();
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => toast("Copied"),
      () => toast("The browser does not allow copying here"),
    );
  return (
    <button class="copy" type="button" title={short ? text : "Copy"} onClick={copy}>
      <span class={short ? "id" : "id id-wrap"}>{short ? shortenId(text) : text}</span>
      <Icon name="copy" size="icon-s" />
      <span class="sr">Copy</span>
    </button>
  );
}

export function Time({ at, exact = false }: { at: string | number; exact?: boolean }) {
  const millis = typeof at === "number" ? at : Date.parse(at);
  return (
    <time dateTime={new Date(millis).toISOString()} title={`${formatExact(millis)} UTC`}>
      {exact ? formatDate(millis) : formatRelative(millis)}
    </time>
  );
}

const STATUS = {
  active: ["Active", "dot"],
  expired: ["Expired", "clock"],
  revoked: ["Revoked", "slash"],
} as const;

export function Status({ status, reason }: { status: keyof typeof STATUS; reason: string | null }) {
  const [word, icon] = STATUS[status];
  const isAlert = reason === "refresh_token_reuse";
  return (
    <span class={`status status-${status}${isAlert ? " status-alert" : ""}`}>
      <Icon name={isAlert ? "alert" : icon} size="" />
      {word}
    </span>
  );
}

/** What stands where a result would, when there is none. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const code = error instanceof ApiError ? error.code : "internal";
  return (
    <div class="note note-danger" role="alert">
      <Icon name="alert" />
      <div>
        <p>
          {describeError(error)} <code>{code}</code>
        </p>
        {error instanceof ApiError && error.requestId && <p class="hint id">{error.requestId}</p>}
        {retry && (
          <div class="row">
            <button class="btn btn-s" type="button" onClick={retry}>
              Try again
            </button>
          </div>
        )}
      </div>
    </div>
  );
}

/** Shows after a moment, so that a fast answer does not flash. */
export function Loading({ lines = 6 }: { lines?: number }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  if (!isShown) return null;
  return (
    <div class="stack" aria-busy="true">
      <span class="sr" role="status">
        Loading
      </span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} class="skeleton skeleton-row" />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

export function PageHead({
  title,
  aside,
  lead,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  lead?: string;
  children?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} · HelloJohn`;
  }, [title]);
  return (
    <div class="page-head">
      <h1>{title}</h1>
      {aside}
      {children && <div class="page-actions">{children}</div>}
      {lead && <p class="lead">{lead}</p>}
    </div>
  );
}

export function Crumbs({ items }: { items: [string, string?][] }) {
  return (
    <ol class="crumbs">
      {items.map(([text, href]) => (
        <li key={text}>{href ? <a href={href}>{text}</a> : text}</li>
      ))}
    </ol>
  );
}

export function Segmented({
  legend,
  name,
  value,
  choices,
  change,
  isFill = false,
}: {
  legend: string;
  name: string;
  value: string;
  choices: readonly (readonly [string, string])[];
  change(value: string): void;
  isFill?: boolean;
}) {
  return (
    <fieldset class={`segmented${isFill ? " segmented-fill" : ""}`}>
      <legend class="sr">{legend}</legend>
      {choices.map(([choice, label]) => (
        <label key={choice}>
          <input
            type="radio"
            name={name}
            value={choice}
            checked={choice === value}
            onChange={() => change(choice)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Bars({ items, alert }: { items: [string, number][]; alert?: string }) {
  const most = Math.max(1, ...items.map(([, count]) => count));
  return (
    <ul class="bars">
      {items.map(([label, count]) => (
        <li key={label}>
          <span>{label}</span>
          <span class="num quiet">{count.toLocaleString("en-US")}</span>
          <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <rect class="bar-base" width="100" height="6" />
            <rect
              class={`bar-fill${label === alert ? " bar-alert" : ""}`}
              width={(100 * count) / most}
              height="6"
            />
          </svg>
        </li>
      ))}
    </ul>
  );
}

export function Point({ icon, children }: { icon: string; children: ComponentChildren }) {
  return (
    <li>
      <Icon name={icon} size="icon-s" />
      <span>{children}</span>
    </li>
  );
}
