/** The value of a variable of the container; `unknown` where nobody can know it, offline. */
export type Variables = (name: string) => string | undefined | 'unknown';

type Expanded =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'problem'; readonly id: string; readonly message: string; readonly remedy: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/**
 * Expands `${VAR}`, `${VAR:-default}` and `${VAR:?message}`; `$$` is a dollar, and so is a dollar
 * before anything else: `$VAR` is for the shell. A variable that is not set is a problem, not an
 * empty text.
 */
export function expandVariables(text: string, variables: Variables): Expanded {
  if (!text.includes('$')) return { kind: 'text', text };
  let result = '';
  let unknown = false;
  for (let at = 0; at < text.length; ) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) {
      result += text.slice(at);
      break;
    }
    result += text.slice(at, dollar);
    const after = text[dollar + 1];
    if (after !== '{') {
      result += '$';
      at = dollar + (after === '$' ? 2 : 1);
      continue;
    }
    const end = text.indexOf('}', dollar);
    const inside = text.slice(dollar + 2, end < 0 ? undefined : end);
    const name = NAME.exec(inside)?.[0];
    const operator = inside.slice(name?.length ?? 0);
    if (end < 0 || name === undefined || !/^(:[-?].*)?$/s.test(operator))
      return problem(
        'bad-variable',
        `\${${inside}${end < 0 ? '' : '}'} is not a variable`,
        `write \${NAME}, \${NAME:-default} or \${NAME:?message}, or $\${ for a shell that is to see \${`,
      );
    const value = variables(name);
    if (value === 'unknown') unknown = true;
    else if (value !== undefined && (value !== '' || operator === '')) result += value;
    else if (operator.startsWith(':-')) result += operator.slice(2);
    else if (operator.startsWith(':?'))
      return problem(
        'variable-not-set',
        operator === ':?' ? `the variable ${name} is not set` : `${name}: ${operator.slice(2)}`,
        `set ${name} for the container`,
      );
    else
      return problem(
        'variable-not-set',
        `the variable ${name} is not set`,
        `set ${name} for the container, or write \${${name}:-} for an empty text, $\${${name}} for a shell to expand it`,
      );
    at = end + 1;
  }
  return unknown ? { kind: 'unknown' } : { kind: 'text', text: result };
}

const problem = (id: string, message: string, remedy: string): Expanded => ({ kind: 'problem', id, message, remedy });
