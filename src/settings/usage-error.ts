/** The command line or a setting cannot be used. `exitCode` is what my_init ends with. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
