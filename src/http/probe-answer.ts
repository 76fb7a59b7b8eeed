import { type HealthSources, holdNotes, type Probe, probe } from '../health/health.js';
import { printable } from '../text/printable.js';
import type { Answer } from './answer.js';

/** Answers a probe: 200 `ok`, or 503. With `verbose` the reasons stand below, a line each. */
export function probeAnswer(name: Probe, sources: HealthSources, verbose: boolean): Answer {
  const { serving, reasons } = probe(name, sources);
  const notes = verbose && name === 'readiness' ? holdNotes(sources) : [];
  // A reason can quote a service or a file.
  const lines = [serving ? 'ok' : 'not ok', ...(verbose ? [...reasons, ...notes].map(printable) : [])];
  return { status: serving ? 200 : 503, body: lines.map((line) => `${line}\n`).join('') };
}
