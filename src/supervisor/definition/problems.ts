import type { ServiceName } from '../../types/service.js';
import type { Problem } from './definition.js';

/** An error that concerns a file as a whole. */
export function problemOf(
  service: ServiceName,
  file: string,
  { id, message, remedy = '' }: { readonly id: string; readonly message: string; readonly remedy?: string },
): Problem {
  return { id, severity: 'error', service, key: '', origin: { file, line: 0, column: 0 }, message, remedy };
}

/** The error that a service fails with, its place in front: a person sees nothing else of it. */
export function firstError(problems: readonly Problem[]): Problem | undefined {
  const problem = problems.find(({ severity }) => severity === 'error');
  return problem && { ...problem, message: withPlace(problem) };
}

/** A problem as a person reads it. */
export const describeProblem = ({ message, remedy }: Pick<Problem, 'message' | 'remedy'>): string =>
  remedy === '' || isSaidIn(message, remedy) ? message : `${message} (${remedy})`;

/** `must be true or false, not "yes"` leaves nothing to add. */
function isSaidIn(message: string, remedy: string): boolean {
  const wanted = ` ${remedy.replace(/^write /, '')}`;
  return message.includes(`${wanted}, not `) || message.endsWith(wanted);
}

/** The same, behind file, line and column. */
export const describeWithPlace = (problem: Problem): string =>
  describeProblem({ ...problem, message: withPlace(problem) });

const withPlace = ({ origin: { file, line, column }, message }: Problem): string =>
  `${line === 0 ? file : `${file}:${line}:${column}`}: ${message}`;
