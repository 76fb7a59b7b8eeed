/** Whether the work was done within the limit, and before anybody hurried. */
export function within(work: Promise<unknown>, limitMs: number, hurried?: AbortSignal): Promise<boolean> {
  if (hurried?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (done: boolean): void => {
      clearTimeout(timer);
      hurried?.removeEventListener('abort', onHurry);
      resolve(done);
    };
    const onHurry = (): void => end(false);
    const timer = setTimeout(() => end(false), limitMs);
    hurried?.addEventListener('abort', onHurry);
    work.then(
      () => end(true),
      () => end(true),
    );
  });
}
