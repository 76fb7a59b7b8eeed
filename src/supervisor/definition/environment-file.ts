const LINE = /^(?:export[ \t]+)?([^\s=#'"]+)[ \t]*(?:=[ \t]*(.*))?$/;
/** A closing quote, and nothing but a comment behind it. */
const QUOTED = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")[ \t]*(?:#.*)?$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/**
 * Reads an env_file as Docker Compose does: `NAME=VALUE` lines, `#` comments, single quotes for a
 * value as it is, double quotes with `\n`, `\t`, `\"` and `\\`. A name without `=` is the
 * container's variable of that name: its value is undefined. Nothing is expanded.
 *
 * @throws Error with file and line
 */
export function parseEnvironmentFile(text: string, path: string): ReadonlyMap<string, string | undefined> {
  const variables = new Map<string, string | undefined>();
  text.split('\n').forEach((whole, index) => {
    const line = whole.trim();
    if (line === '' || line.startsWith('#')) return;
    const problem = (what: string): Error => new Error(`env_file: ${path}:${index + 1}: ${what}`);
    const [, name, value] = LINE.exec(line) ?? [];
    if (name === undefined) throw problem('is not NAME=VALUE');
    variables.set(name, value === undefined ? undefined : unquote(value, problem));
  });
  return variables;
}

function unquote(value: string, problem: (what: string) => Error): string {
  if (!/^['"]/.test(value)) return value.replace(/(^|[ \t]+)#.*$/, '');
  const [whole, single, double = ''] = QUOTED.exec(value) ?? [];
  if (whole === undefined) throw problem(`the quote ${value[0]} is not closed on its line`);
  return single ?? double.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}
