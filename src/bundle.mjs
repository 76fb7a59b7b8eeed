// Bundles the controller: the code that runs before the first service is one chunk, the rest are chunks loaded later.
// esbuild shares code between chunks in ES modules alone, so each chunk becomes CommonJS afterwards: CommonJS starts
// sooner, and load.cjs can give V8 the code cache that code-cache.mjs made.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Writes `controller.js` and `lib/` below `directory`; `options` go to esbuild beside ours. */
export async function bundleController(directory, version, options = {}) {
  const { outputFiles } = await esbuild.build({
    entryPoints: { controller: path.join(ROOT, 'src/controller.ts') },
    outdir: path.join(directory, 'lib'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20.12',
    format: 'esm',
    keepNames: true,
    write: false,
    define: { MY_INIT_VERSION: JSON.stringify(version), 'import.meta.url': '__moduleUrl' },
    logLevel: 'warning',
    plugins: [leanPromClient],
    ...options,
  });
  fs.rmSync(path.join(directory, 'lib'), { recursive: true, force: true });
  fs.mkdirSync(path.join(directory, 'lib'), { recursive: true });
  for (const { path: file, text } of outputFiles) fs.writeFileSync(file, await toCommonJs(text, options.minify));
  const entry = outputFiles.map(({ path: file }) => path.basename(file)).find((name) => /^controller-/.test(name));
  const loader = fs.readFileSync(path.join(ROOT, 'src/load.cjs'), 'utf8');
  fs.writeFileSync(path.join(directory, 'controller.js'), loader.replace("'./controller.js'", `'./${entry}'`));
  // Wherever the directory is copied to, Node reads it as CommonJS.
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "type": "commonjs" }\n');
}

/** Parts of prom-client that nothing here uses load node:cluster, node:https and more: most of what the first scrape cost. */
const leanPromClient = {
  name: 'lean-prom-client',
  setup(build) {
    build.onResolve(
      { filter: /^\.\/lib\/(cluster|defaultMetrics|pushgateway|summary)$/ },
      ({ path: file, importer }) =>
        importer.endsWith('prom-client/index.js') ? { path: file, namespace: 'unused' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: '' }));
  },
};

async function toCommonJs(text, minify = false) {
  const { code } = await esbuild.transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20.12',
    minify,
    supported: { 'dynamic-import': false },
  });
  return code;
}
