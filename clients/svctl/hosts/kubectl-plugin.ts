import type { Command } from '../command.js';
import { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { generalHelp, optionLines } from '../help.js';
import { type CommandLine, checkOperands, type OptionSpec, usage } from '../options.js';
import { type Order, runOnTargets } from './run.js';
import { isWorkload, type Target } from './target.js';

/** kubectl's own, with its letters: svctl's -n (of logs) is --lines here. */
export const KUBECTL_OPTIONS: readonly OptionSpec[] = [
  { name: 'namespace', short: 'n', value: 'NAMESPACE', help: 'the namespace of the pods' },
  { name: 'context', value: 'CONTEXT', help: 'the context of the kubeconfig' },
  { name: 'container', short: 'c', value: 'CONTAINER', help: 'the container of the pod' },
  { name: 'selector', short: 'l', value: 'LABELS', help: 'the pods with these labels: app=web' },
];

/** `kubectl svctl deploy/web` shows the status, as `svctl` alone does. */
export function withCommand(words: readonly string[], commands: readonly Command[]): readonly string[] {
  const [first] = words;
  const isCommand = first === undefined || first === 'help' || commands.some(({ name }) => name === first);
  return isCommand || !first.includes('/') ? words : ['status', ...words];
}

export const pluginHelp = (commands: readonly Command[]): string =>
  generalHelp(commands, {
    usage: 'kubectl svctl [COMMAND] [OPTIONS] POD|TYPE/NAME [NAME…]',
    own: ['Options of kubectl:', ...optionLines(KUBECTL_OPTIONS), ''],
  });

/** Runs a command for the pods that its operands and options name. */
export async function runForPods(order: Order): Promise<ExitCode> {
  if (order.command.hosts === 'none')
    return order.command.run(new Context(order.operands, order.given), order.commands);
  const { target, names } = pluginTarget(order.operands, order.given);
  checkOperands(order.command, names);
  return runOnTargets({ ...order, operands: names }, [target]);
}

/**
 * The words after the command: POD, pod/POD or TYPE/NAME, then the names of services. With `-l` all
 * are names of services. Throws Problem when there is no pod.
 */
function pluginTarget(
  words: readonly string[],
  given: CommandLine['given'],
): { readonly target: Target; readonly names: readonly string[] } {
  const scope = { context: given.get('context'), namespace: given.get('namespace') };
  const container = given.get('container');
  const selector = given.get('selector');
  if (selector !== undefined) return { target: { kind: 'pods', scope, of: { selector }, container }, names: words };
  const [place, ...names] = words;
  if (place === undefined) {
    throw usage(
      'which pod?',
      'kubectl svctl COMMAND POD|TYPE/NAME [NAME…], or -l LABELS: kubectl svctl status deploy/web',
    );
  }
  const [type = '', name, ...more] = place.split('/');
  if (name === undefined) return { target: { kind: 'pod', scope, pod: type, container }, names };
  if (name === '' || more.length > 0) throw usage(`"${place}" is no pod: POD or TYPE/NAME`);
  if (/^(po|pods?)$/.test(type)) return { target: { kind: 'pod', scope, pod: name, container }, names };
  if (!isWorkload(type)) throw usage(`kubectl svctl knows no pods of "${type}"`, 'deploy, sts, ds, rs, job, svc, pod');
  return { target: { kind: 'pods', scope, of: { workload: place }, container }, names };
}
