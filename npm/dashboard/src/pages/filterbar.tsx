import { useEffect, useRef, useState } from "preact/hooks";
import { type Condition, describeCondition, FIELDS, type Field } from "../filter";
import { Icon } from "../parts";

/** A chip for each condition, and a menu that adds one. A condition without a value cannot be added. */
export function Filterbar({
  conditions,
  fields = FIELDS,
  change,
}: {
  conditions: Condition[];
  fields?: readonly Field[];
  change(conditions: Condition[]): void;
}) {
  const [adding, setAdding] = useState<Field | null>(null);
  const menu = useRef<HTMLDetailsElement>(null);
  const choose = (field: Field) => {
    if (menu.current) menu.current.open = false;
    setAdding(field);
  };
  // What had the focus goes away with each step.
  const focusMenu = () => menu.current?.querySelector("summary")?.focus();
  const clear = () => {
    focusMenu();
    change([]);
  };
  const taken = new Set(conditions.map(({ name }) => name));
  return (
    <>
      {conditions.map((condition) => {
        const [label, value] = describeCondition(condition, fields);
        const remove = () => {
          focusMenu();
          change(conditions.filter((other) => other !== condition));
        };
        return (
          <span class="chip" key={condition.name}>
            <span class="chip-key">{label}</span> {value}
            <button
              class="chip-remove"
              type="button"
              aria-label={`Remove filter: ${label} ${value}`}
              onClick={remove}
            >
              <Icon name="x" size="icon-s" />
            </button>
          </span>
        );
      })}
      {adding && (
        <AddCondition
          key={adding.name}
          field={adding}
          cancel={() => {
            focusMenu();
            setAdding(null);
          }}
          add={(value) => {
            focusMenu();
            setAdding(null);
            change([...conditions.filter(({ name }) => name !== adding.name), { name: adding.name, value }]);
          }}
        />
      )}
      <details class="menu" ref={menu}>
        <summary class="btn btn-s btn-quiet">
          <Icon name="plus" size="icon-s" />
          Filter
        </summary>
        <div class="menu-list">
          {fields
            .filter(({ name }) => !taken.has(name))
            .map((field) => (
              <button key={field.name} type="button" onClick={() => choose(field)}>
                <Icon name={field.icon} />
                {field.label}
                <span class="hint">{field.hint}</span>
              </button>
            ))}
        </div>
      </details>
      {conditions.length > 0 && (
        <button class="btn btn-s btn-quiet" type="button" onClick={clear}>
          Clear
        </button>
      )}
    </>
  );
}

function AddCondition({ field, add, cancel }: { field: Field; add(value: string): void; cancel(): void }) {
  const input = useRef<HTMLInputElement & HTMLSelectElement>(null);
  const [value, setValue] = useState(field.choices?.[0]?.[0] ?? "");
  useEffect(() => input.current?.focus(), []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (value.trim() !== "") add(field.kind === "time" ? `${value}:00Z` : value.trim());
  };
  const cancelByKey = (event: KeyboardEvent) => event.key === "Escape" && cancel();
  const common = {
    ref: input,
    value,
    "aria-label": field.label,
    onInput: (event: InputEvent) => setValue((event.currentTarget as HTMLInputElement).value),
    onKeyDown: cancelByKey,
  };
  return (
    <form class="row chip-form" onSubmit={submit}>
      <span class="quiet">{field.label}</span>
      {field.choices ? (
        <span class="select-wrap">
          <select class="select" {...common}>
            {field.choices.map(([choice, label]) => (
              <option key={choice} value={choice}>
                {label}
              </option>
            ))}
          </select>
          <Icon name="chevron" size="icon-s" />
        </span>
      ) : (
        <input
          class="input"
          {...(field.kind === "time" ? { type: "datetime-local" as const } : { type: "text" as const })}
          placeholder={field.hint}
          autocomplete="off"
          spellcheck={false}
          {...common}
        />
      )}
      <button class="btn btn-s" type="submit" disabled={value.trim() === ""}>
        Add
      </button>
      <button
        class="btn btn-s btn-quiet btn-icon"
        type="button"
        aria-label="Do not add this filter"
        onClick={cancel}
      >
        <Icon name="x" size="icon-s" />
      </button>
    </form>
  );
}
