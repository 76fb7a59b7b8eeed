import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** node:crypto, loaded when it is first needed: 10 ms that the first service does not wait for. */
export const crypto = (): typeof import('node:crypto') => require('node:crypto');
