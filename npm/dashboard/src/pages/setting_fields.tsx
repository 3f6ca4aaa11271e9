import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { describeDuration, readDuration, UNITS } from "../format";
import { Icon } from "../parts";

export interface SettingProps {
  id: string;
  label: string;
  hint: string;
  /** When a change takes effect. */
  effect: string;
  children: ComponentChildren;
}

export function Setting({ id, label, hint, effect, children }: SettingProps) {
  return (
    <div class="setting">
      <div class="setting-about">
        <label class="label" for={id}>
          {label}
        </label>
        <p class="hint">{hint}</p>
        <p class="effect">
          <Icon name="clock" size="icon-s" />
          {effect}
        </p>
      </div>
      <div class="setting-control">{children}</div>
    </div>
  );
}

export interface DurationFieldProps {
  id: string;
  label: string;
  value: string | null;
  /** What follows the words of a good value. */
  after: string;
  /** In seconds. */
  least?: number;
  most?: number;
  /** The label of the switch, and the value that it begins with. */
  toggle?: [string, string];
  change(value: string): void;
  clear?(): void;
}

/** A number and a unit, the words of both, and the text that is sent. `90d` stays `90d`. */
export function DurationField(props: DurationFieldProps) {
  const { id, label, value, after, least = 1, most = 100 * 31_536_000, toggle, change, clear } = props;
  const parts = /^(.*?)([smhdwy])$/.exec(value ?? toggle?.[1] ?? "");
  const [number, setNumber] = useState(parts?.[1] ?? "");
  const [unit, setUnit] = useState(parts?.[2] ?? "d");
  const update = (number: string, unit: string) => {
    setNumber(number);
    setUnit(unit);
    change(number.trim() + unit);
  };
  const seconds = value === null ? null : readDuration(value);
  const isGood = seconds !== null && seconds >= least && seconds <= most;
  const isOn = value !== null;
  const problem = most === 60 ? "0 to 60 seconds." : "A whole number from 1, at most 100 years.";
  return (
    <>
      {toggle && (
        <label class="switch">
          <input
            id={`${id}-on`}
            type="checkbox"
            role="switch"
            aria-checked={isOn}
            checked={isOn}
            onChange={() => (isOn ? clear?.() : change(number.trim() + unit))}
          />
          <span>{toggle[0]}</span>
        </label>
      )}
      <div class="stack" hidden={!isOn}>
        <div class="duration">
          <input
            class="input"
            id={id}
            type="text"
            inputMode="numeric"
            autocomplete="off"
            value={number}
            aria-invalid={isOn && !isGood}
            aria-describedby={`${id}-reading`}
            onInput={(event) => update(event.currentTarget.value, unit)}
          />
          <span class="select-wrap">
            <select
              class="select"
              aria-label={`${label}, unit`}
              value={unit}
              onChange={(event) => update(number, event.currentTarget.value)}
            >
              {UNITS.map(([letter, name]) => (
                <option key={letter} value={letter}>
                  {name}s
                </option>
              ))}
            </select>
            <Icon name="chevron" size="icon-s" />
          </span>
          <code title="Sent as">{isGood ? value : "–"}</code>
        </div>
        <output class="reading" id={`${id}-reading`}>
          {isGood ? `${describeDuration(value ?? "")}${after}` : isOn ? problem : ""}
        </output>
      </div>
    </>
  );
}

export interface CountFieldProps {
  id: string;
  toggle: string;
  value: number | null;
  change(value: number | null): void;
}

export function CountField({ id, toggle, value, change }: CountFieldProps) {
  const [text, setText] = useState(`${value ?? 5}`);
  const isOn = value !== null;
  const read = (text: string) => (/^[1-9]\d*$/.test(text.trim()) ? Number(text) : Number.NaN);
  return (
    <>
      <label class="switch">
        <input
          id={`${id}-on`}
          type="checkbox"
          role="switch"
          aria-checked={isOn}
          checked={isOn}
          onChange={() => change(isOn ? null : read(text))}
        />
        <span>{toggle}</span>
      </label>
      <div class="stack" hidden={!isOn}>
        <div class="duration">
          <input
            class="input"
            id={id}
            type="text"
            inputMode="numeric"
            autocomplete="off"
            value={text}
            aria-invalid={Number.isNaN(value)}
            aria-describedby={`${id}-reading`}
            onInput={(event) => {
              setText(event.currentTarget.value);
              change(read(event.currentTarget.value));
            }}
          />
        </div>
        <output class="reading" id={`${id}-reading`}>
          {Number.isNaN(value) ? "A whole number from 1." : ""}
        </output>
      </div>
    </>
  );
}
