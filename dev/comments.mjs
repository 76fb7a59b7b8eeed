// Finds comments that are wider than 100 columns: `npm run check` calls this program. Tables,
// commands, links and directives for linters cannot be wrapped.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WIDTH = 100;
const SOURCES = /\.(ts|mjs|cjs|js|c|h|proto|go|py)$|(^|\/)[A-Za-z][\w-]*$/;
/** Files that others, or programs, have made. */
const FOREIGN =
  /(^|\/)(\.git|\..*cache|node_modules|dist|gen|build|__pycache__)$|\.pb\.go$|_pb2\w*\.py$|^packaging\/out$|^proto\/(google|grpc)$/;
const COMMENT = /^\s*(\/\/|\/\*|\*|# )/;
const UNWRAPPABLE = /^\s*\* \||^# {3}|\bbiome-ignore|@needs|^\S*\s*\S*https?:\S+$/;

function filesBelow(directory) {
  return readdirSync(directory || '.', { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (FOREIGN.test(path)) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() && SOURCES.test(path) ? [path] : [];
  });
}

const isTooWide = (line) => line.length > WIDTH && COMMENT.test(line) && !UNWRAPPABLE.test(line);
for (const file of filesBelow('')) {
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (!isTooWide(line)) continue;
    console.error(`${file}:${index + 1}: a comment of ${line.length} columns: wrap it at ${WIDTH}`);
    process.exitCode = 1;
  }
}
