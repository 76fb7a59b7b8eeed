import type { BuildOptions } from 'esbuild';

/** Writes `controller.js` and `lib/` below `directory`; `options` go to esbuild beside ours. */
export function bundleController(directory: string, version: string, options?: BuildOptions): Promise<void>;
