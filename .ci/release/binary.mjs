// Reads from a compiled library which machine it is for and what it needs there.

const ELF_MACHINES = { 62: "x64", 183: "arm64" };
const MACH_MACHINES = { 16777223: "x64", 16777228: "arm64" };
const PE_MACHINES = { 34404: "x64", 43620: "arm64" };

/**
 * `{os, cpu, needed, glibc}`: the operating system and processor as npm names them; of an ELF file also the libraries that it needs and
 * the newest version of the GNU C library that it asks for, or null. Throws for what is no 64-bit library.
 */
export function readBinary(bytes) {
  if (bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46) return readElf(bytes);
  if (bytes.length > 32 && bytes.readUInt32LE(0) === 0xfeedfacf) {
    return { os: "darwin", cpu: known(MACH_MACHINES, bytes.readUInt32LE(4)), needed: [], glibc: null };
  }
  if (bytes.length > 64 && bytes.toString("latin1", 0, 2) === "MZ") {
    const at = bytes.readUInt32LE(0x3c);
    if (bytes.toString("latin1", at, at + 4) === "PE\0\0") {
      return { os: "win32", cpu: known(PE_MACHINES, bytes.readUInt16LE(at + 4)), needed: [], glibc: null };
    }
  }
  throw new Error("is no compiled library");
}

function known(machines, number) {
  const cpu = machines[number];
  if (!cpu) throw new Error(`is for a machine of the unknown number ${number}`);
  return cpu;
}

const [LOAD, DYNAMIC] = [1, 2];
const [NEEDED, STRINGS, VERSIONS_NEEDED, VERSIONS_COUNT] = [1, 5, 0x6ffffffe, 0x6fffffff];

function readElf(bytes) {
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new Error("is no 64-bit library of a little-endian machine");
  const cpu = known(ELF_MACHINES, bytes.readUInt16LE(18));
  const segments = [];
  const [first, size, count] = [
    Number(bytes.readBigUInt64LE(32)),
    bytes.readUInt16LE(54),
    bytes.readUInt16LE(56),
  ];
  for (let index = 0; index < count; index++) {
    const at = first + index * size;
    const [offset, address, , length] = [8, 16, 24, 32].map((part) =>
      Number(bytes.readBigUInt64LE(at + part)),
    );
    segments.push({ kind: bytes.readUInt32LE(at), offset, address, length });
  }
  /** Where in the file is what a program finds at this address? */
  const place = (address) => {
    const segment = segments.find(
      ({ kind, address: begin, length }) => kind === LOAD && address >= begin && address < begin + length,
    );
    if (!segment) throw new Error("names an address that it does not have");
    return address - segment.address + segment.offset;
  };
  const dynamic = segments.find(({ kind }) => kind === DYNAMIC);
  if (!dynamic) throw new Error("is no library that is loaded at run time");
  const entries = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.length; at += 16) {
    entries.push([Number(bytes.readBigInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8))]);
  }
  const value = (tag) => entries.find(([found]) => found === tag)?.[1];
  const strings = place(value(STRINGS));
  const text = (offset) => bytes.toString("latin1", strings + offset, bytes.indexOf(0, strings + offset));
  const needed = entries.filter(([tag]) => tag === NEEDED).map(([, offset]) => text(offset));
  const versions = [];
  let at = value(VERSIONS_NEEDED) === undefined ? 0 : place(value(VERSIONS_NEEDED));
  for (let left = value(VERSIONS_COUNT) ?? 0; left > 0; left--) {
    let inner = at + bytes.readUInt32LE(at + 8);
    for (let each = bytes.readUInt16LE(at + 2); each > 0; each--) {
      versions.push(text(bytes.readUInt32LE(inner + 8)));
      inner += bytes.readUInt32LE(inner + 12);
    }
    at += bytes.readUInt32LE(at + 12);
  }
  const glibc = versions.map((name) => /^GLIBC_([0-9.]+)$/.exec(name)?.[1]).filter(Boolean);
  return { os: "linux", cpu, needed, glibc: glibc.sort(compareVersions).at(-1) ?? null };
}

/** Orders `2.9` before `2.28`. */
export function compareVersions(one, other) {
  const [a, b] = [one, other].map((version) => version.split(".").map(Number));
  for (let part = 0; part < Math.max(a.length, b.length); part++) {
    if ((a[part] ?? 0) !== (b[part] ?? 0)) return (a[part] ?? 0) - (b[part] ?? 0);
  }
  return 0;
}
