import { expect, test } from '@jest/globals';
import { formatListenAddress, parseListenAddress } from '../../../src/listen/address.js';

test.each([
  [':9180', undefined, 9180],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['localhost:65535', 'localhost', 65535],
  ['my_host-1.example:80', 'my_host-1.example', 80],
  ['[::1]:9180', '::1', 9180],
  ['[::]:9180', '::', 9180],
  ['[fe80::1%eth0]:9180', 'fe80::1%eth0', 9180],
])('%s is understood, and written the same', (text, host, port) => {
  const address = { host, port };
  expect(parseListenAddress(text)).toEqual(address);
  expect(formatListenAddress(address)).toBe(text);
});

test.each([
  ...['', '9180', 'localhost', ':', ':65536', ':-1', '::1:9180', '[::1]', 'a b:1', 'http://a:1', ':9180/metrics'],
  ...['[:80', 'x]:80', 'a/b:80', '[]:80', '[localhost]:80', '[127.0.0.1]:80', '[::1]x:80'],
])("'%s' is no address", (text) => {
  expect(parseListenAddress(text)).toBeUndefined();
});
