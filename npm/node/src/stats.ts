import type { SeriesSpan, Stats, StatsPeriod } from "./generated/types";
import { toStats, toStatsPeriod, type WireStats, type WireStatsPeriod } from "./generated/wire";
import { callAsync } from "./internal/native";
import type { NativeTenant } from "./internal/native_types";
import { readMembers, readOptionalText } from "./internal/validate";

/** What `hj.stats` counts. */
export interface StatsOptions {
  /** Also what happened in each hour of the last 24, or in each day of the last 30. */
  series?: SeriesSpan | undefined;
}

/** Counts over a tenant, now and over time. */
export interface StatsSeries extends Stats {
  /** The periods, oldest first. */
  series: StatsPeriod[];
}

/** @internal */
export async function countSessions(tenant: NativeTenant, options: unknown): Promise<Stats | StatsSeries> {
  const given = new Map(readMembers("options", options, ["series"]));
  const span = readOptionalText("series", given.get("series"));
  if (span === null) return toStats(await callAsync<WireStats>(tenant.stats()));
  const wire = await callAsync<WireStats & { series: WireStatsPeriod[] }>(tenant.statsSeries(span));
  return { ...toStats(wire), series: wire.series.map(toStatsPeriod) };
}
