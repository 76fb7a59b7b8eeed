import { basename } from 'node:path';
import { splitCommand } from '../supervisor/definition/split-command.js';

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'zsh', 'mksh']);
/** Words after which the last line is no command of its own. */
const STRUCTURE = /^((if|case|done|fi|esac|else|wait|exit|return|while|until|for|EOF)\b|[{}()]|;;)/;

/** The command that a shell script ends with. */
export interface LastCommand {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** The shell becomes the program: signals reach it. */
  readonly isExec: boolean;
  readonly inBackground: boolean;
  /** As far as they can be told without a shell. */
  readonly words: readonly string[];
}

/**
 * The last command of a `run` script; undefined if the file is no shell script, or ends with a
 * loop, a block or a builtin.
 */
export function lastCommand(script: string): LastCommand | undefined {
  const [first = ''] = script.split('\n', 1);
  if (!isShell(first)) return undefined;
  const lines = script.split('\n').map((line) => line.trim());
  let last = lines.findLastIndex((line) => line !== '' && !line.startsWith('#'));
  if (last < 1) return undefined;
  let text = lines[last] ?? '';
  for (; last > 0 && lines[last - 1]?.endsWith('\\'); last--) text = `${lines[last - 1]?.slice(0, -1)} ${text}`;
  if (STRUCTURE.test(text)) return undefined;
  const isExec = /^([A-Za-z_]\w*=\S*\s+)*exec\s/.test(text) || /(&&|\|\||;)\s*exec\s/.test(text);
  return { line: last + 1, text, isExec, inBackground: /(^|[^&>])&\s*$/.test(text), words: wordsOf(text) };
}

function isShell(line: string): boolean {
  if (!line.startsWith('#!')) return false;
  const [program = '', argument = ''] = line.slice(2).trim().split(/\s+/);
  const name = basename(program) === 'env' || basename(program) === 'busybox' ? argument : basename(program);
  return SHELLS.has(name) || name === 'with-contenv';
}

/** Programs that only prepare for the next one: their own words are passed over. */
const WRAPPERS: Readonly<Record<string, number>> = {
  setuser: 1,
  's6-setuidgid': 1,
  gosu: 1,
  'su-exec': 1,
  nice: 0,
  ionice: 0,
  setsid: 0,
  nohup: 0,
  env: 0,
  chpst: 0,
  stdbuf: 0,
  tini: 0,
};

function wordsOf(text: string): readonly string[] {
  const plain = text
    .replace(/^.*(&&|\|\||;)\s*(?=exec\s)/, '')
    .replace(/^([A-Za-z_]\w*=\S*\s+)+/, '')
    .replace(/^exec\s+(-\w+\s+)?/, '')
    .replace(/\s*\d*>&?\s*\S+|\s*<\s*\S+/g, '')
    .replace(/\$\{?\w+\}?|"\$@"/g, 'x');
  let words = splitCommand(plain.replace(/\s*&\s*$/, '')) ?? plain.split(/\s+/);
  for (;;) {
    const skip = WRAPPERS[basename(words[0] ?? '')];
    if (skip === undefined) return words;
    words = words.slice(1);
    while (words[0]?.startsWith('-') || words[0]?.includes('=')) words = words.slice(1);
    words = words.slice(skip);
  }
}
