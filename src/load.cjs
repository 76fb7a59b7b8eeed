// Loads the chunks of a program, each with its code cache where this version of V8 accepts it.
'use strict';
const { readFileSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

// The build puts the name of the directory here, and of the first chunk below.
const directory = `${__dirname}/lib/`;
const loaded = new Map();

function load(name) {
  if (!name.startsWith('./')) return require(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = directory + name.slice(2);
  const source = `(function(require,module,exports,__moduleUrl){${readFileSync(filename, 'latin1')}\n})`;
  const script = new Script(source, { filename, cachedData: codeCache(filename) });
  const chunk = { exports: {}, script };
  loaded.set(name, chunk);
  script.runInThisContext()(load, chunk, chunk.exports, pathToFileURL(filename).href);
  return chunk.exports;
}

function codeCache(filename) {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    return undefined;
  }
}

load('./main.js');
