import { createInterface } from 'node:readline/promises';
import { ExitCode } from '../exit-code.js';
import { usage } from '../options.js';
import { Problem } from '../problem.js';
import type { Terminal } from '../terminal.js';

/** Lists what is about to be changed, and asks. Throws {@link Problem} unless the answer is yes. */
export async function confirmChange(
  terminal: Terminal,
  order: string,
  hosts: readonly string[],
  yes: boolean,
): Promise<void> {
  terminal.note(`${order} on ${hosts.length} hosts:`);
  for (const host of hosts) terminal.remark(host);
  if (yes) return;
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw usage(`changing ${hosts.length} hosts needs --yes`, 'On a terminal svctl would ask.');
  }
  const dialog = createInterface({ input: process.stdin, output: process.stderr });
  const given = await dialog.question(`svctl: ${order} on all ${hosts.length}? [y/N] `).finally(() => dialog.close());
  if (!/^y(es)?$/i.test(given.trim())) throw new Problem(ExitCode.failed, 'nothing has been changed');
}
