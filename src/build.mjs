// Bundles the controller: what it needs before the first service runs is in one file, the rest in chunks loaded later.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(fs.readFileSync(place('../package.json'), 'utf8'));

fs.rmSync(place('../dist/lib'), { recursive: true, force: true });
await esbuild.build({
  entryPoints: [place('controller.ts')],
  outdir: place('../dist'),
  bundle: true,
  splitting: true,
  chunkNames: 'lib/[name]-[hash]',
  platform: 'node',
  target: 'node20.12',
  format: 'esm',
  minify: true,
  keepNames: true,
  define: { MY_INIT_VERSION: JSON.stringify(version) },
  // Dependencies in CommonJS ask for Node's own modules by require.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// The JSON schemas of service definitions, for editors.
const schemas = await esbuild.build({
  entryPoints: [place('supervisor/definition/schema.ts')],
  bundle: true,
  write: false,
  platform: 'node',
  format: 'esm',
});
const [{ text }] = schemas.outputFiles;
const { serviceSchema, servicesSchema } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
for (const [name, schema] of Object.entries({ service: serviceSchema(), services: servicesSchema() }))
  fs.writeFileSync(place(`../dist/${name}.schema.json`), `${JSON.stringify(schema, undefined, 2)}\n`);
