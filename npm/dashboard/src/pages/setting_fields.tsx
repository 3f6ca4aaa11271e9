import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { describeDuration, UNITS } from "../format";
import { Icon } from "../parts";
import { type Draft, type DurationControl, isDurationGood, type Name, SETTINGS } from "./settings_list";

interface SettingProps {
  name: Name;
  draft: Draft;
  set(name: Name, value: string | number | boolean | null): void;
  children?: ComponentChildren;
}

/** What a setting is for, when a change takes effect, and its control. */
export function Setting({ name, draft, set, children }: SettingProps) {
  const { label, hint, effect, control } = SETTINGS[name];
  const value = draft[name];
  const change = (value: string | number | boolean | null) => set(name, value);
  return (
    <div class="setting">
      <div class="setting-about">
        {control.kind === "switch" ? (
          <span class="label">{label}</span>
        ) : (
          <label class="label" for={name}>
            {label}
          </label>
        )}
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
        <p class="effect">
          <Icon name="clock" size="icon-s" />
          {effect}
        </p>
      </div>
      <div class="setting-control">
        {control.kind === "duration" && (
          <DurationField
            id={name}
            label={label}
            value={value as string | null}
            control={control}
            change={change}
          />
        )}
        {control.kind === "count" && (
          <CountField id={name} toggle={control.toggle} value={value as number | null} change={change} />
        )}
        {control.kind === "switch" && (
          <Switch
            id={name}
            label={control.toggle}
            isOn={value as boolean}
            change={change}
            describedBy={`${name}-hint`}
          />
        )}
        {children}
      </div>
    </div>
  );
}

interface SwitchProps {
  id: string;
  label: string;
  isOn: boolean;
  change(isOn: boolean): void;
  describedBy?: string;
}

function Switch({ id, label, isOn, change, describedBy }: SwitchProps) {
  return (
    <label class="switch">
      <input
        id={id}
        type="checkbox"
        role="switch"
        aria-checked={isOn}
        aria-describedby={describedBy}
        checked={isOn}
        onChange={() => change(!isOn)}
      />
      <span>{label}</span>
    </label>
  );
}

interface DurationFieldProps {
  id: string;
  label: string;
  value: string | null;
  control: DurationControl;
  change(value: string | null): void;
}

/** A number and a unit, the words of both, and the text that is sent. `90d` stays `90d`. */
function DurationField({ id, label, value, control, change }: DurationFieldProps) {
  const { after, most, toggle } = control;
  const parts = /^(.*?)([smhdwy]?)$/.exec(value ?? toggle?.[1] ?? "");
  const [number, setNumber] = useState(parts?.[1] ?? "");
  const [unit, setUnit] = useState(parts?.[2] || "s");
  const update = (number: string, unit: string) => {
    setNumber(number);
    setUnit(unit);
    change(number.trim() + unit);
  };
  const isOn = value !== null;
  const isGood = isOn && isDurationGood(value, control);
  const problem = most === 60 ? "0 to 60 seconds." : "A whole number from 1, at most 100 years.";
  return (
    <>
      {toggle && (
        <Switch
          id={`${id}-on`}
          label={toggle[0]}
          isOn={isOn}
          change={(isOn) => change(isOn ? number.trim() + unit : null)}
        />
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
          {isGood ? `${describeDuration(value)}${after}` : isOn ? problem : ""}
        </output>
      </div>
    </>
  );
}

interface CountFieldProps {
  id: string;
  toggle: string;
  value: number | null;
  change(value: number | null): void;
}

function CountField({ id, toggle, value, change }: CountFieldProps) {
  const [text, setText] = useState(`${value ?? 5}`);
  const isOn = value !== null;
  const read = (text: string) => (/^[1-9]\d*$/.test(text.trim()) ? Number(text) : Number.NaN);
  return (
    <>
      <Switch
        id={`${id}-on`}
        label={toggle}
        isOn={isOn}
        change={(isOn) => change(isOn ? read(text) : null)}
      />
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
