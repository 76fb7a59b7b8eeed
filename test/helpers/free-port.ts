import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * The ports below those that Linux gives to clients and to servers without a port of their own
 * (ip_local_port_range): a free one stays free until a test listens at it.
 */
const FROM = 10_000;
const TO = 32_767;

/** A port that nobody listens at, and that the kernel gives to nobody else. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
