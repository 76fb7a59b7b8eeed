import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('docs/performance.md', () => {
  it('and its chart match the figures of the last run', async () => {
    const { report } = await import('../../bench/page.mjs');
    const { page, picture } = report(JSON.parse(text('docs/performance.json')));
    expect(text('docs/performance.md')).toBe(page);
    expect(text('docs/performance.svg')).toBe(picture);
  });
});
