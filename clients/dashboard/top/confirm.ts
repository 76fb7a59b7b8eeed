import { type Action, carryOut } from '../model/action.js';
import { commandLine, questionOf } from '../model/order.js';
import type { App } from './app.js';
import { Confirmation } from './prompt.js';

/** Asks, shows the command lines that do the same, carries out and reports the outcome. */
export function confirmActions(app: App, actions: readonly Action[]): void {
  const [first] = actions;
  if (first === undefined) return;
  const question = questionOf(
    first.order,
    actions.flatMap(({ names }) => names),
  );
  const commands = actions.map(({ host, order, names }) => `$ ${commandLine(host.to, order, names)}`);
  app.ask(
    new Confirmation([...commands, question], () => {
      app.note(`${question.slice(0, -1)} …`);
      void carryOut(actions).then((lines) => app.note(...lines));
    }),
  );
}
