/** Whether the work was done within the limit, and before the signal `cut`. */
export function within(work: Promise<unknown>, limitMs: number, cut?: AbortSignal): Promise<boolean> {
  if (cut?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (done: boolean): void => {
      clearTimeout(timer);
      cut?.removeEventListener('abort', onCut);
      resolve(done);
    };
    const onCut = (): void => end(false);
    const timer = setTimeout(() => end(false), limitMs);
    cut?.addEventListener('abort', onCut);
    work.then(
      () => end(true),
      () => end(true),
    );
  });
}
