// Bundles a program: the code that it always needs is one chunk, the rest are chunks loaded later.
// esbuild shares code between chunks in ES modules alone, so each chunk becomes CommonJS
// afterwards: CommonJS starts sooner, and load.cjs can give V8 the code cache that code-cache.mjs
// made.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Writes `controller.js` and `lib/` below `directory`; `options` go to esbuild beside ours. */
export async function bundleController(directory, version, options = {}) {
  const define = { MY_INIT_VERSION: JSON.stringify(version) };
  const plugins = [withoutUnusedParts];
  await bundle(path.join(ROOT, 'src/controller.ts'), `${directory}/controller.js`, 'lib', {
    define,
    plugins,
    ...options,
  });
  // Wherever the directory is copied to, Node reads it as CommonJS.
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "type": "commonjs" }\n');
}

/**
 * Writes the loader `outfile`, with `head` before it, and the chunks of the program in the
 * directory `lib` beside it.
 */
export async function bundle(entry, outfile, lib, { define, head = '', ...options }) {
  const chunks = path.join(path.dirname(outfile), lib);
  const { outputFiles } = await esbuild.build({
    entryPoints: { main: entry },
    outdir: chunks,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20.12',
    format: 'esm',
    write: false,
    define: { ...define, 'import.meta.url': '__moduleUrl' },
    logLevel: 'warning',
    ...options,
  });
  fs.rmSync(chunks, { recursive: true, force: true });
  fs.mkdirSync(chunks, { recursive: true });
  for (const { path: file, text } of outputFiles)
    fs.writeFileSync(file, await toCommonJs(text, options.minify ?? options.minifyWhitespace));
  const main = outputFiles.map(({ path: file }) => path.basename(file)).find((name) => /^main-/.test(name));
  const loader = fs.readFileSync(path.join(ROOT, 'src/load.cjs'), 'utf8');
  fs.writeFileSync(outfile, head + loader.replace('/lib/', `/${lib}/`).replace("'./main.js'", `'./${main}'`));
}

/**
 * Parts of libraries that nothing here uses: prom-client's load node:cluster, node:https and more,
 * which was most of what the first scrape cost; grpc-js's are its client, and the services channelz
 * and ORCA with their reader of .proto files.
 */
const UNUSED = [
  { library: 'prom-client/index.js', parts: /^\.\/lib\/(cluster|defaultMetrics|pushgateway|summary)$/, instead: '' },
  { library: 'prom-client/lib/', parts: /^@opentelemetry\/api$/, instead: '' },
  {
    library: '@grpc/grpc-js/build/src/',
    parts: /^\.\/(client|channel|internal-channel|experimental|resolver-\w+|load-balancer.*)$/,
    instead: 'exports.Client = class {}; exports.setup = () => {};',
  },
  { library: '@grpc/grpc-js/build/src/', parts: /^@grpc\/proto-loader$/, instead: '' },
];

const withoutUnusedParts = {
  name: 'without-unused-parts',
  setup(build) {
    for (const [at, { library, parts, instead }] of UNUSED.entries()) {
      const namespace = `unused-${at}`;
      build.onResolve({ filter: parts }, ({ path: file, importer }) =>
        importer.includes(library) ? { path: file, namespace } : undefined,
      );
      build.onLoad({ filter: /.*/, namespace }, () => ({ contents: instead }));
    }
  },
};

async function toCommonJs(text, minifyWhitespace = false) {
  const { code } = await esbuild.transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20.12',
    minifyWhitespace,
    supported: { 'dynamic-import': false },
  });
  return `(function(require,module,exports,__moduleUrl){${code}\n})`;
}
