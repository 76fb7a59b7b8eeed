export interface KeepTryingOptions<T> {
  readonly open: () => T | Promise<T>;
  /** `late`: an earlier attempt has failed. */
  readonly onOpen: (opened: T, late: boolean) => void;
  /** An attempt failed. Called once for each new message, not for each attempt. */
  readonly onFailure: (message: string) => void;
  /** Closes an opened thing at {@link Kept.stop}, also one that opens after it. */
  readonly close: (opened: T) => void;
  readonly retryMs: number;
}

/** Something that is open, or will be as soon as it can be opened. */
export interface Kept<T> {
  /** undefined while it is not open. */
  readonly opened: T | undefined;
  stop(): void;
}

/**
 * Opens something, and tries again until that succeeds. Resolves after the first attempt,
 * successful or not. An error is no reason to stop: a volume may be mounted later, the owner of a
 * port may end, descriptors may become free.
 */
export async function keepTrying<T>(options: KeepTryingOptions<T>): Promise<Kept<T>> {
  const { open, onOpen, onFailure, close, retryMs } = options;
  let opened: T | undefined;
  let failure: string | undefined;
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;

  const attempt = async (): Promise<void> => {
    try {
      const fresh = await open();
      if (stopped) return close(fresh);
      opened = fresh;
      onOpen(fresh, failure !== undefined);
    } catch (error) {
      if (stopped) return;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== failure) onFailure(message);
      failure = message;
      retry = setTimeout(() => void attempt(), retryMs);
    }
  };

  await attempt();
  return {
    get opened() {
      return opened;
    },
    stop: () => {
      stopped = true;
      clearTimeout(retry);
      if (opened !== undefined) close(opened);
      opened = undefined;
    },
  };
}
