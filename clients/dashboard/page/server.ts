// The way to svctl: the token, questions, orders and streams.

/** sessionStorage is this tab's and this port's; it survives a reload. */
const KEY = 'token';
/** The server writes a line at least every 5 s. */
const SILENCE_MS = 13_000;

/** The token comes in the fragment, and is gone from the address before anything else happens. */
const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
if (given !== undefined) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, '', '/');
}
const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}` };

/** The server answered, and refuses. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export async function ask<Answer>(path: string, query: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return answerOf<Answer>(await fetch(`${path}?${new URLSearchParams(query)}`, { headers }));
}

export async function send<Answer>(path: string, body: object): Promise<Answer> {
  const options = { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' } };
  return answerOf<Answer>(await fetch(path, { ...options, body: JSON.stringify(body) }));
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const answer: unknown = await response.json();
  if (response.ok) return answer as Answer;
  throw new Refused((answer as { error?: string }).error ?? response.statusText, response.status);
}

/** The messages of a stream in portions, as they arrive. Throws when nothing comes for too long. */
export async function* stream<Message>(path: string, signal: AbortSignal): AsyncGenerator<readonly Message[]> {
  const silence = new AbortController();
  const silent = () => silence.abort(new Error('svctl dashboard says nothing'));
  let timer = setTimeout(silent, SILENCE_MS);
  try {
    const response = await fetch(path, { headers, signal: AbortSignal.any([signal, silence.signal]) });
    if (!response.ok || response.body === null) await answerOf(response);
    let rest = '';
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE_MS);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield lines.map((line): Message => JSON.parse(line));
    }
  } finally {
    clearTimeout(timer);
  }
}
