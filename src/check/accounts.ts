import type { Root } from './root.js';

/** The users and groups of a root file system, from its files alone. */
export class Accounts {
  readonly #users: ReadonlySet<string>;
  readonly #groups: ReadonlySet<string>;

  constructor(root: Root) {
    this.#users = names(root.read('/etc/passwd'));
    this.#groups = names(root.read('/etc/group'));
  }

  /** Any number is a user. */
  hasUser(name: string): boolean {
    return /^\d+$/.test(name) || this.#users.has(name);
  }

  hasGroup(name: string): boolean {
    return /^\d+$/.test(name) || this.#groups.has(name);
  }

  get users(): readonly string[] {
    return [...this.#users];
  }

  get groups(): readonly string[] {
    return [...this.#groups];
  }
}

const names = (file: string | undefined): ReadonlySet<string> =>
  new Set((file ?? '').split('\n').flatMap((line) => (line.includes(':') ? [line.slice(0, line.indexOf(':'))] : [])));
