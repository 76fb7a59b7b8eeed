// Bundles the controller and writes the JSON schemas.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import { bundleController } from './bundle.mjs';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(fs.readFileSync(place('../package.json'), 'utf8'));

await bundleController(place('../dist'), version, { minifyWhitespace: true, minifySyntax: true });

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
  fs.writeFileSync(place(`../dist/${name}.schema.json`), `${JSON.stringify(schema)}\n`);
