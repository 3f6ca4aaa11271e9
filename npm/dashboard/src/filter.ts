import { formatExact } from "./format";

/** A condition of a filter, as the API names it; several values stand between commas. */
export interface Condition {
  name: string;
  value: string;
}

export interface Field {
  name: string;
  label: string;
  group: string;
  hint: string;
  kind: "text" | "time" | "choice";
  choices?: readonly (readonly [string, string])[];
  icon: string;
}

const text = (name: string, label: string, group: string, hint: string, icon: string): Field => ({
  name,
  label,
  group,
  hint,
  kind: "text",
  icon,
});
const time = (name: string, label: string, group: string): Field => ({
  name,
  label,
  group,
  hint: "UTC",
  kind: "time",
  icon: "clock",
});

export const FIELDS: readonly Field[] = [
  text("user_id", "User is", "User", "id", "user"),
  text("country", "Country is", "Country", "US, CA", "globe"),
  text("not_country", "Country is not", "Country", "US, CA", "globe"),
  text("ip_address", "Address is", "Address", "address or range", "globe"),
  text("not_ip_address", "Address is not in", "Address", "address or range", "globe"),
  {
    ...text("device_type", "Device is", "Device", "desktop, mobile…", "sessions"),
    kind: "choice",
    choices: [
      ["desktop", "Desktop"],
      ["mobile", "Mobile"],
      ["tablet", "Tablet"],
      ["bot", "Bot"],
      ["unknown", "Unknown"],
    ],
  },
  text("user_agent", "User agent contains", "User agent", "a part of it", "search"),
  text("org_id", "Organisation is", "Organisation", "id", "user"),
  text("role", "Role is", "Role", "exactly", "user"),
  {
    ...text("mfa_verified", "Second factor", "Second factor", "yes, no", "shield"),
    kind: "choice",
    choices: [
      ["true", "Yes"],
      ["false", "No"],
    ],
  },
  time("created_after", "Signed in after", "Signed in"),
  time("created_before", "Signed in before", "Signed in"),
  time("last_active_after", "Last active after", "Last active"),
  time("last_active_before", "Last active before", "Last active"),
];

const findField = (name: string, fields: readonly Field[]) => fields.find((field) => field.name === name);

/** Reads conditions from the part of the address behind `?`. */
export function readConditions(query: URLSearchParams, fields = FIELDS): Condition[] {
  return [...query]
    .filter(
      ([name, value]) =>
        value !== "" &&
        (findField(name, fields) !== undefined || (fields === FIELDS && name === "end_reason")),
    )
    .map(([name, value]) => ({ name, value }));
}

export function toQuery(
  conditions: readonly Condition[],
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    ...more,
    ...Object.fromEntries(conditions.map(({ name, value }) => [name, normalise(name, value)])),
  };
}

/** The filter as the body of a request has it. */
export function toBody(conditions: readonly Condition[]): Record<string, unknown> {
  const members = conditions.map(({ name, value }): [string, unknown] => {
    const normal = normalise(name, value);
    if (name === "mfa_verified") return [name, normal === "true"];
    if (name.endsWith("country")) return [name, normal.split(",")];
    return [name, normal];
  });
  return Object.fromEntries(members);
}

function normalise(name: string, value: string): string {
  if (!name.endsWith("country")) return value.trim();
  return value
    .split(",")
    .map((code) => code.trim().toUpperCase())
    .join(",");
}

export function describeCondition({ name, value }: Condition, fields = FIELDS): [string, string] {
  const field = findField(name, fields);
  if (name === "end_reason") return ["Ended because", value];
  if (field?.kind === "time") return [field.label, formatExact(Date.parse(value))];
  const chosen = field?.choices?.find(([choice]) => choice === value)?.[1];
  return [field?.label ?? name, chosen ?? value.split(",").join(", ")];
}

export function toAddress(path: string, query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString();
  return `#/${path}${text === "" ? "" : `?${text}`}`;
}
