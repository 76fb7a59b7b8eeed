/** Words that only a shell can carry out. */
const SHELL_WORDS = new Set(
  '. : ! { [[ alias bg break case cd command continue eval exec exit export fg for if local read readonly return set shift source time times trap type ulimit umask unalias unset until wait while'.split(
    ' ',
  ),
);

/** Characters that mean something to a shell outside of quotes. */
const SHELL_SYNTAX = /[|&;<>()$`*?[\]#~\n{}]/;

/**
 * The words of a command that needs no shell, as `sh` would split it: blanks, quotes and
 * backslashes. undefined for a command with any other syntax of the shell: variables, pipes,
 * redirections, patterns, several lines, builtin commands.
 */
export function splitCommand(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  const line = text.trim();
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === ' ' || character === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word = (word ?? '') + line.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const quoted = readQuoted(line, at + 1);
      if (quoted === undefined) return undefined;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (character === '\\') {
      const next = line[++at];
      if (next === undefined || next === '\n') return undefined;
      word = (word ?? '') + next;
    } else if (SHELL_SYNTAX.test(character)) return undefined;
    else word = (word ?? '') + character;
  }
  if (word !== undefined) words.push(word);
  const [program] = words;
  return program === undefined || program.includes('=') || SHELL_WORDS.has(program) ? undefined : words;
}

/**
 * Text up to the closing double quote, whose place is `end`; undefined where the shell would expand
 * something in it.
 */
function readQuoted(line: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  for (let at = start; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === '"') return { text, end: at };
    if (character === '$' || character === '`') return undefined;
    if (character === '\\' && /["\\$`]/.test(line.charAt(at + 1))) text += line.charAt(++at);
    else text += character;
  }
  return undefined;
}
