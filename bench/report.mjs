/**
 * `node bench/report.mjs [JSON]`: writes docs/performance.md and its chart from the JSON of a run,
 * docs/performance.json if none is named.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { report } from './page.mjs';

const docs = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const [file] = process.argv.slice(2);
if (file !== undefined) copyFileSync(file, docs('performance.json'));
const { page, picture } = report(JSON.parse(readFileSync(docs('performance.json'), 'utf8')));
writeFileSync(docs('performance.md'), page);
writeFileSync(docs('performance.svg'), picture);
