import { counter, type Family, gauge, type Sample } from './family.js';

/** The parts of the metrics; each can fail by itself. */
export const PARTS = ['services', 'resources', 'reaping', 'logs', 'system', 'limits', 'api', 'controller'] as const;
export type Part = (typeof PARTS)[number];

/** The outcomes of the scrapes so far. */
export interface ScrapeStats {
  readonly errors: ReadonlyMap<Part, number>;
  readonly rejected: number;
  /** Of the latest finished one; 0 before. */
  readonly durationSeconds: number;
}

export function scrapeMetrics({ errors, rejected, durationSeconds }: ScrapeStats): readonly Family[] {
  return [
    gauge(
      'my_init_scrape_duration_seconds',
      'How long the scrape before this one took to make; 0 at the first.',
      [],
      [[durationSeconds]],
    ),
    counter(
      'my_init_scrape_errors_total',
      'Parts of scrapes that are missing because of an error.',
      ['part'],
      PARTS.map((part): Sample => [errors.get(part) ?? 0, part]),
    ),
    counter(
      'my_init_scrapes_rejected_total',
      'Scrapes that were answered with 503 because too many were in progress.',
      [],
      [[rejected]],
    ),
  ];
}
