/**
 * Makes Node independent of the image's loader and libraries, in any directory: Node finds both in
 * `runtime/` beside itself. Appends entry.c to the executable and has the kernel begin there;
 * docs/install.md says why.
 */
import { ok } from 'node:assert/strict';

const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3, PHDR: 6 };
const DT = { NULL: 0n, STRTAB: 5n, RPATH: 15n };
const READ_AND_EXECUTE = 5;
const ET_EXEC = 2;
const HEADER_BYTES = 56;
/** The largest page that arm64 knows. */
const ALIGNMENT = 0x10000n;
const LIBRARIES = '$ORIGIN/runtime';

/** Returns the changed executable. `entry` is entry.c, linked flat by entry.ld. */
export function bringLoader(node, entry) {
  const elf = Buffer.from(node);
  ok(elf.readUInt32BE(0) === 0x7f454c46 && elf[4] === 2 && elf[5] === 1, 'Node is a 64-bit little-endian ELF file');
  ok(elf.readUInt16LE(16) === ET_EXEC, 'Node is linked to a fixed address');
  const headers = readHeaders(elf);
  const loads = headers.filter(({ type }) => type === PT.LOAD);
  const end = BigInt(Math.max(...loads.map(({ address, memoryBytes }) => Number(address + memoryBytes))));
  const offset = align(BigInt(elf.length));
  const address = align(end);

  const ours = { type: PT.LOAD, flags: READ_AND_EXECUTE, offset, address, alignment: ALIGNMENT };
  const table = address + BigInt(entry.length);
  const tableBytes = (headers.length + 1) * HEADER_BYTES;
  const libraries = table + BigInt(tableBytes);
  const text = Buffer.from(`${LIBRARIES}\0`);
  const bytes = BigInt(entry.length + tableBytes + text.length);
  Object.assign(ours, { fileBytes: bytes, memoryBytes: bytes });

  // The loader learns of all of them, with the table at its new place.
  const forLoader = inOrder([...headers, ours]).map((header) =>
    header.type === PT.PHDR
      ? { ...header, offset: offset + BigInt(entry.length), address: table, ...size(BigInt(tableBytes)) }
      : header,
  );
  // No interpreter is named to the kernel: it begins with our entry.
  const forKernel = inOrder([...headers.filter(({ type }) => type !== PT.INTERP), ours]);
  ok(forKernel.length === headers.length, 'Node names one interpreter');
  writeHeaders(elf, Number(elf.readBigUInt64LE(32)), forKernel);
  addLibraryPath(elf, headers, libraries);

  const filled = Buffer.from(entry);
  const fields = filled.length - 24;
  ok(filled.readBigUInt64LE(fields) === 1n, 'the entry ends with what is to be filled in');
  filled.writeBigUInt64LE(elf.readBigUInt64LE(24), fields);
  filled.writeBigUInt64LE(table, fields + 8);
  filled.writeBigUInt64LE(BigInt(forLoader.length), fields + 16);
  elf.writeBigUInt64LE(address, 24);

  const copy = Buffer.alloc(tableBytes);
  writeHeaders(copy, 0, forLoader);
  return Buffer.concat([elf, Buffer.alloc(Number(offset) - elf.length), filled, copy, text]);
}

/**
 * The loader reads no configuration of the image: a library that is preloaded there is made for
 * another libc.
 */
export function ignoreImage(loader) {
  let text = loader.toString('latin1');
  for (const name of ['cache', 'preload']) {
    const [before, after] = [`/etc/ld.so.${name}\0`, `/dev/null/.${name}\0`];
    ok(before.length === after.length && text.includes(before), `the loader knows ${before}`);
    text = text.replaceAll(before, after);
  }
  return Buffer.from(text, 'latin1');
}

const align = (value) => (value + ALIGNMENT - 1n) & -ALIGNMENT;

const size = (bytes) => ({ fileBytes: bytes, memoryBytes: bytes });

/** Segments have to be ordered by address, behind the entry that describes the table itself. */
function inOrder(headers) {
  const loads = headers
    .filter(({ type }) => type === PT.LOAD)
    .sort((one, other) => (one.address < other.address ? -1 : 1));
  return headers.map((header) => (header.type === PT.LOAD ? loads.shift() : header));
}

function readHeaders(elf) {
  const start = Number(elf.readBigUInt64LE(32));
  return Array.from({ length: elf.readUInt16LE(56) }, (_, index) => {
    const at = start + index * HEADER_BYTES;
    return {
      type: elf.readUInt32LE(at),
      flags: elf.readUInt32LE(at + 4),
      offset: elf.readBigUInt64LE(at + 8),
      address: elf.readBigUInt64LE(at + 16),
      fileBytes: elf.readBigUInt64LE(at + 32),
      memoryBytes: elf.readBigUInt64LE(at + 40),
      alignment: elf.readBigUInt64LE(at + 48),
    };
  });
}

function writeHeaders(elf, start, headers) {
  for (const [index, header] of headers.entries()) {
    const at = start + index * HEADER_BYTES;
    elf.writeUInt32LE(header.type, at);
    elf.writeUInt32LE(header.flags, at + 4);
    elf.writeBigUInt64LE(header.offset, at + 8);
    elf.writeBigUInt64LE(header.address, at + 16);
    elf.writeBigUInt64LE(header.address, at + 24);
    elf.writeBigUInt64LE(header.fileBytes, at + 32);
    elf.writeBigUInt64LE(header.memoryBytes, at + 40);
    elf.writeBigUInt64LE(header.alignment, at + 48);
  }
}

/**
 * DT_RPATH, which also holds for the libraries of libraries, in one of the entries that linkers
 * leave free.
 */
function addLibraryPath(elf, headers, address) {
  const { offset, fileBytes } = headers.find(({ type }) => type === PT.DYNAMIC);
  let strings;
  for (let at = Number(offset); at < Number(offset + fileBytes); at += 16) {
    const tag = elf.readBigInt64LE(at);
    if (tag === DT.STRTAB) strings = elf.readBigUInt64LE(at + 8);
    ok(tag !== DT.RPATH, 'Node has no library path of its own');
    if (tag !== DT.NULL) continue;
    ok(at + 32 <= Number(offset + fileBytes) && strings !== undefined, 'there is room for a library path');
    elf.writeBigInt64LE(DT.RPATH, at);
    elf.writeBigUInt64LE(address - strings, at + 8);
    return;
  }
}
