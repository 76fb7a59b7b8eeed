/** The command line or a setting cannot be used. my_init exits with `exitCode`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
