import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PluginBuild } from 'esbuild';
import { bundleController } from '../../src/bundle.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** The changes of a source file: a text that is there once, and its replacement. */
export type Changes = Readonly<Record<string, readonly (readonly [text: string, instead: string])[]>>;

/**
 * An installation of my_init whose controller can be replaced by one of another version, as by a
 * package manager.
 */
export class Installation {
  readonly directory = mkdtempSync(join(tmpdir(), 'my_init-versions-'));

  constructor() {
    cpSync(DIST, this.directory, { recursive: true });
  }

  /** The controller as it is. */
  installOwn(): void {
    const fresh = mkdtempSync(join(tmpdir(), 'my_init-version-'));
    cpSync(join(DIST, 'controller.js'), join(fresh, 'controller.js'));
    cpSync(join(DIST, 'lib'), join(fresh, 'lib'), { recursive: true });
    this.#install(fresh);
  }

  /** The controller built of changed sources, as version 99.0.0. */
  async installChanged(changes: Changes): Promise<void> {
    const fresh = mkdtempSync(join(tmpdir(), 'my_init-version-'));
    await bundleController(fresh, '99.0.0', {
      plugins: [
        {
          name: 'changes',
          setup: ({ onLoad }: PluginBuild) =>
            onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({ contents: changed(path, changes), loader: 'ts' })),
        },
      ],
    });
    this.#install(fresh);
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, maxRetries: 20 });
  }

  /**
   * Installs a version. The files of the running version are gone, except those that it has open.
   */
  #install(fresh: string): void {
    rmSync(join(this.directory, 'lib'), { recursive: true, maxRetries: 20 });
    cpSync(join(fresh, 'lib'), join(this.directory, 'lib'), { recursive: true });
    cpSync(join(fresh, 'controller.js'), join(this.directory, 'controller.js.new'));
    renameSync(join(this.directory, 'controller.js.new'), join(this.directory, 'controller.js'));
    rmSync(fresh, { recursive: true, maxRetries: 20 });
  }
}

function changed(path: string, changes: Changes): string {
  let source = readFileSync(path, 'utf8');
  for (const [text, instead] of changes[path.slice(join(ROOT, 'src/').length)] ?? []) {
    if (source.split(text).length !== 2) throw new Error(`${text} is not in ${path}, or not once`);
    source = source.replace(text, () => instead);
  }
  return source;
}
