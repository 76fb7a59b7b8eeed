import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

export const { name: NAME, version: VERSION, license: LICENSE, description: DESCRIPTION } = readJson('package.json');

/** The lock file pins the packed files: versions and checksums. */
export const LOCK = readJson('package-lock.json').packages;

/**
 * Seconds: the time of everything that is made, so that two packings of one build are equal byte
 * for byte.
 */
export const EPOCH = Number(process.env.SOURCE_DATE_EPOCH ?? commitTime());

export const DATE = new Date(EPOCH * 1000).toISOString().replace('.000', '');

export function readJson(path) {
  return JSON.parse(readFileSync(`${PROJECT}/${path}`, 'utf8'));
}

function commitTime() {
  try {
    return execFileSync('git', ['log', '-1', '--format=%ct'], {
      cwd: PROJECT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return 0; // not a repository: the build of an image
  }
}
