import { type HealthSources, type Probe, probe } from '../health/health.js';
import type { Answer } from './answer.js';

/** Answers a probe: 200 `ok`, or 503. With `verbose` the reasons stand below, a line each. */
export function probeAnswer(name: Probe, sources: HealthSources, verbose: boolean): Answer {
  const { serving, reasons } = probe(name, sources);
  const lines = [serving ? 'ok' : 'not ok', ...(verbose ? reasons.map(printable) : [])];
  return { status: serving ? 200 : 503, body: lines.map((line) => `${line}\n`).join('') };
}

/** A reason can quote what a service or a file said. */
const printable = (reason: string): string => reason.replace(/\p{Cc}+/gu, ' ');
