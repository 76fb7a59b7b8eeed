import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseDocument,
  type YAMLParseError,
} from 'yaml';
import type { Entry, Node, Place, Scalar } from './node.js';

const MAX_DEPTH = 500;

/** A mistake in the text of a document. */
export interface YamlProblem {
  readonly id: 'yaml-syntax' | 'yaml-tag' | 'yaml-key' | 'yaml-alias' | 'duplicate-key';
  readonly at: Place;
  /**
   * Keys and numbers that lead to it; undefined for a mistake in the syntax, whose reach nobody
   * knows.
   */
  readonly path: readonly string[] | undefined;
  readonly message: string;
  readonly remedy: string;
}

export interface ParsedYaml {
  /** As far as it can be read. An empty document is null. */
  readonly root: Node;
  readonly problems: readonly YamlProblem[];
}

/**
 * Parses one document of YAML 1.2, core schema: `no`, `on` and `yes` are strings, `022` is
 * twenty-two. Tags, duplicate keys and keys that are no scalars are problems. An alias costs no
 * copy; one inside its own anchor is a problem.
 */
export function parseYaml(text: string): ParsedYaml {
  const deep = nestedTooDeep(text);
  if (deep) return { root: emptyAt(deep.at), problems: [deep] };
  const lines = new LineCounter();
  const problems: YamlProblem[] = [];
  const at = (offset: number | undefined): Place => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line, column: col };
  };
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    keepSourceTokens: false,
    lineCounter: lines,
  });
  // Only the first mistake is reported: the later ones follow from it.
  const [error] = document.errors;
  if (error)
    problems.push({
      id: 'yaml-syntax',
      at: at(error.pos[0]),
      path: undefined,
      ...describeSyntax(error),
    });
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2')
    problems.push({
      id: 'yaml-syntax',
      at: { line: 1, column: 1 },
      path: undefined,
      message: `this is YAML ${document.directives.yaml.version}, and my_init reads YAML 1.2`,
      remedy: 'remove the line %YAML',
    });

  const anchors = new Map<string, ParsedNode>();
  const converted = new Map<ParsedNode, Node>();

  const convert = (node: ParsedNode, path: readonly string[]): Node => {
    const place = at(node.range[0]);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      const known = target && converted.get(target);
      if (known) return known;
      problems.push({
        id: 'yaml-alias',
        at: place,
        path,
        message: target
          ? `*${node.source} is inside of &${node.source} itself`
          : `there is no &${node.source} before *${node.source}`,
        remedy: `define &${node.source} above this line`,
      });
      return emptyAt(place);
    }
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (node.tag !== undefined)
      problems.push({
        id: 'yaml-tag',
        at: place,
        path,
        message: `tags such as ${node.tag.replace('tag:yaml.org,2002:', '!!')} are not allowed`,
        remedy: 'remove the tag; put text that looks like a number in quotes',
      });
    const result = convertPlain(node, place, path);
    // Aliases lead to nothing else.
    if (node.anchor !== undefined) converted.set(node, result);
    return result;
  };

  const convertPlain = (node: Exclude<ParsedNode, Alias.Parsed>, place: Place, path: readonly string[]): Node => {
    if (isSeq(node))
      return {
        kind: 'list',
        items: node.items.map((item, index) => convert(item, [...path, String(index)])),
        at: place,
      };
    if (isMap(node)) return { kind: 'map', entries: entriesOf(node.items, path), at: place };
    const { value, source, type } = node;
    return { kind: 'scalar', value: isScalarValue(value) ? value : source, source, plain: type === 'PLAIN', at: place };
  };

  const entriesOf = (
    items: readonly Pair<ParsedNode, ParsedNode | null>[],
    above: readonly string[],
  ): readonly Entry[] => {
    const lineOf = new Map<string, number>();
    return items.flatMap(({ key, value }): readonly Entry[] => {
      const place = at(key.range[0]);
      if (!isScalar(key)) {
        problems.push({
          id: 'yaml-key',
          at: place,
          path: above,
          message: 'a key must be a word',
          remedy: 'put a key that begins with * & [ or { in quotes',
        });
        return [];
      }
      const name = typeof key.value === 'string' ? key.value : key.source;
      const path = [...above, name];
      const first = lineOf.get(name);
      if (first === undefined) {
        lineOf.set(name, place.line);
        return [{ key: name, at: place, value: value === null ? emptyAt(place) : convert(value, path) }];
      }
      problems.push({
        id: 'duplicate-key',
        at: place,
        path,
        message: `${name} is given twice, first in line ${first}`,
        remedy: 'remove one of the two',
      });
      return [];
    });
  };

  const { contents } = document;
  return { root: contents === null ? emptyAt({ line: 1, column: 1 }) : convert(contents, []), problems };
}

/**
 * The parser is recursive, and slow where brackets are never closed. Brackets in text count too: a
 * few do no harm.
 */
function nestedTooDeep(text: string): YamlProblem | undefined {
  let depth = 0;
  let line = 1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\n') line++;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > MAX_DEPTH)
      return {
        id: 'yaml-syntax',
        at: { line, column: 1 },
        path: undefined,
        message: `there are more than ${MAX_DEPTH} brackets open`,
        remedy: 'close them',
      };
  }
  return undefined;
}

/** In words for people who write a definition, where those of the library are for others. */
function describeSyntax({ code, message }: YAMLParseError): Pick<YamlProblem, 'message' | 'remedy'> {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return { message: 'there is more than one document', remedy: 'remove the line ---: a file has one' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { message: 'this is not YAML: a second ": " in one line', remedy: 'put the value in quotes' };
    default: {
      const words = message.replace(/closing (["'])quote/, 'closing quote $1');
      return {
        message: `this is not YAML: ${lowerFirst(words)}`,
        remedy: 'check quotes, brackets and indentation here and above',
      };
    }
  }
}

const emptyAt = (at: Place): Node => ({ kind: 'scalar', value: null, source: '', plain: true, at });

const isScalarValue = (value: unknown): value is Scalar =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
