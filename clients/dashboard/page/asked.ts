import { useEffect, useState } from 'preact/hooks';
import { ask } from './server.js';

export type Asked<Answer> = { readonly answer?: Answer; readonly answeredMs?: number; readonly problem?: string };

/**
 * The answer to a question, asked again whenever `again` changes. The last answer stays meanwhile.
 */
export function useAnswer<Answer>(
  path: string,
  query: Readonly<Record<string, string>>,
  again: unknown,
): Asked<Answer> {
  const [asked, setAsked] = useState<Asked<Answer>>({});
  const key = JSON.stringify(query);
  useEffect(() => {
    let isCurrent = true;
    ask<Answer>(path, JSON.parse(key)).then(
      (answer) => isCurrent && setAsked({ answer, answeredMs: Date.now() }),
      (error: unknown) =>
        isCurrent &&
        setAsked((before) => ({ ...before, problem: error instanceof Error ? error.message : String(error) })),
    );
    return () => {
      isCurrent = false;
    };
  }, [path, key, again]);
  return asked;
}
