/**
 * Text that is safe on a terminal: control characters (C0, DEL, C1), line separators and the
 * characters that turn the direction of writing are shown as escapes. Everything that comes from a
 * server, a file or the command line passes here.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/**
 * JSON that is safe on a terminal. JSON.stringify escapes C0 alone; the rest can only stand in
 * strings, where an escape means the same.
 */
export function printableJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE_IN_JSON, unicodeEscape);
}

const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const UNSAFE_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
