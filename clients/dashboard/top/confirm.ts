import { type Action, carryOut, commandLine } from '../model/action.js';
import type { App } from './app.js';
import { Confirmation } from './prompt.js';

/** Asks, shows the command lines that do the same, carries out and says what came of it. */
export function confirmActions(app: App, actions: readonly Action[]): void {
  const [first] = actions;
  if (first === undefined) return;
  const count = actions.reduce((sum, { names }) => sum + names.length, 0);
  const what = count === 1 ? (first.names[0] ?? '') : `${count} services`;
  const question = `${first.verb} ${first.verb === 'signal' ? `${first.signal} to ` : ''}${what}?`;
  app.ask(
    new Confirmation([...actions.map((action) => `$ ${commandLine(action)}`), question], () => {
      app.note(`${question.slice(0, -1)} …`);
      void Promise.all(actions.map(carryOut)).then((outcomes) => app.note(...outcomes.flat()));
    }),
  );
}
