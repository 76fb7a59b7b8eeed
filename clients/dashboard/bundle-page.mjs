import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The module `dashboard-page`: the page of `svctl dashboard`, bundled for browsers, as text. Only
 * that command loads the module.
 */
export const dashboardPage = {
  name: 'dashboard-page',
  setup(build) {
    build.onResolve({ filter: /^dashboard-page$/ }, ({ path }) => ({ path, namespace: 'dashboard-page' }));
    build.onLoad({ filter: /.*/, namespace: 'dashboard-page' }, async () => {
      const { outputFiles } = await esbuild.build({
        entryPoints: { page: place('page/main.tsx') },
        outdir: place('page'),
        bundle: true,
        format: 'esm',
        target: 'es2022',
        minify: true,
        jsx: 'automatic',
        jsxImportSource: 'preact',
        write: false,
        logLevel: 'warning',
      });
      const text = (suffix) => outputFiles.find(({ path }) => path.endsWith(suffix)).text;
      const exported = {
        page: fs.readFileSync(place('page/index.html'), 'utf8'),
        script: text('.js'),
        style: text('.css'),
      };
      return {
        contents: Object.entries(exported)
          .map(([name, content]) => `export const ${name} = ${JSON.stringify(content)};`)
          .join('\n'),
      };
    });
  },
};
