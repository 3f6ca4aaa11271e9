// The bars, in one place: what each row is judged by. `least`: how many times faster we must be. `most`: how many times
// the other side's time we may take. `mostValue`: an absolute limit.

/** From this time for one sync on, a disk counts as slow: a shared commit gains more there. */
export const SLOW_SYNC_MS = 1;

export const BARS = {
  P1: { least: 80 },
  P1c: { most: 1.5 },
  "P1c jose": { least: 60 },
  P2: { least: 3 },
  "P2 beside": { least: 2 },
  P3: { least: 4 },
  P4: { most: 1.15, note: "below 0.6× with key tables computed in advance" },
  P5: { least: 15, leastOnSlowDisk: 50 },
  P6: { least: 15, leastOnSlowDisk: 50 },
  "P6 in one transaction": { least: 5 },
  P7: { most: 1.3 },
  "P8 better-auth": { least: 10 },
  "P8 create": { least: 10 },
  "P8 read": { least: 5 },
  "P8 read anew": { least: 1.5 },
  "P8 revoke": {},
  P9: { least: 10 },
  "P10 open": { most: 1.2 },
  "P10 open time": { mostValue: 1000, unit: "µs" },
  "P10 verify": { most: 1.25 },
  "P10 get": { most: 2 },
  "P10 refresh": { most: 1.5 },
  "P10 batched refresh": { most: 3 },
  "P11 disk": { mostValue: 350, unit: "bytes" },
  "P11 memory": { mostValue: 64, unit: "MB" },
  P12: { most: 2 },
  P13: { most: 2 },
  P14: { mostValue: 50, unit: "ms" },
  "P14 log": { mostValue: 2, unit: "times" },
  "P15 refresh": { least: 5 },
  "P15 verify": { least: 4 },
  "P15 other": {},
  "P18 create": { most: 1.25 },
  "P18 revoke": { most: 1.25 },
  "P18 untold": { most: 1.1 },
};
