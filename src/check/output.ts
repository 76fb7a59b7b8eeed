import type { Problem } from '../supervisor/definition/definition.js';
import { printable, printableJson } from '../text/printable.js';

export const FORMATS = ['text', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

export interface Report {
  readonly services: number;
  readonly problems: readonly Problem[];
}

/** A report as a person, a program or the annotations of GitHub Actions read it. */
export function formatReport(format: Format, { services, problems }: Report): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  switch (format) {
    case 'json':
      return `${printableJson({ services, errors, warnings, findings: problems.map(plain) }, 2)}\n`;
    case 'github':
      return problems.map(annotation).join('');
    case 'text':
      return `${problems.map(line).join('')}${count(services, 'service')}, ${count(errors, 'error')}, ${count(warnings, 'warning')}\n`;
    default:
      return format satisfies never;
  }
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function line({ id, severity, service, origin, message, remedy }: Problem): string {
  const subject = service === undefined ? '' : `${service}: `;
  return `${placeOf(origin)}: ${severity}: ${printable(`${subject}${message}`)} [${id}]\n  ${printable(remedy)}\n`;
}

function placeOf({ file, line: at, column }: Problem['origin']): string {
  return at === 0 ? printable(file) : `${printable(file)}:${at}:${column}`;
}

const plain = ({ id, severity, service, key, origin, message, remedy }: Problem): object => ({
  id,
  severity,
  service: service ?? null,
  key,
  file: origin.file,
  line: origin.line,
  column: origin.column,
  message,
  remedy,
});

/** https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands */
function annotation({ id, severity, service, origin, message, remedy }: Problem): string {
  const { file, line: at, column } = origin;
  const place = at === 0 ? '' : `,line=${at},col=${column}`;
  const text = `${service === undefined ? '' : `${service}: `}${message}\n${remedy}`;
  return `::${severity} file=${property(file)}${place},title=${property(id)}::${data(text)}\n`;
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
