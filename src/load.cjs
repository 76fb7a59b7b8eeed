// Loads the chunks of a program, each with its code cache where this version of V8 accepts it.
'use strict';
const { closeSync, fstatSync, openSync, readSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

// The build puts the name of the directory here, and of the first chunk below.
const directory = `${__dirname}/lib/`;
const loaded = new Map();

/**
 * One buffer to read all files into: a buffer for each would be as much garbage as there is code.
 */
let room = Buffer.allocUnsafeSlow(512 * 1024);

function load(name) {
  if (!name.startsWith('./')) return require(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = directory + name.slice(2);
  const source = read(filename).latin1Slice();
  const script = new Script(source, { filename, cachedData: codeCache(filename) });
  const chunk = { exports: {}, script };
  loaded.set(name, chunk);
  script.runInThisContext()(load, chunk, chunk.exports, pathToFileURL(filename).href);
  return chunk.exports;
}

function codeCache(filename) {
  try {
    return read(`${filename}.cache`);
  } catch {
    return undefined;
  }
}

function read(filename) {
  const file = openSync(filename);
  try {
    const { size } = fstatSync(file);
    if (size > room.length) room = Buffer.allocUnsafeSlow(size);
    return room.subarray(0, readSync(file, room, 0, size, 0));
  } finally {
    closeSync(file);
  }
}

load('./main.js');
