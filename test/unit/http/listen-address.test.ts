import { expect, test } from '@jest/globals';
import { ListenAddressError, parseListenAddress } from '../../../src/http/listen-address.js';

test.each([
  [':9180', undefined, 9180],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['localhost:65535', 'localhost', 65535],
  ['[::1]:9180', '::1', 9180],
  ['[::]:9180', '::', 9180],
  ['[fe80::1%eth0]:9180', 'fe80::1%eth0', 9180],
])('%s is understood', (text, host, port) => {
  expect(parseListenAddress(text)).toEqual({ host, port });
});

test.each(['', '9180', 'localhost', ':', ':65536', ':-1', '::1:9180', '[::1]', 'a b:1', 'http://a:1', ':9180/metrics'])(
  "'%s' is an error that names it",
  (text) => {
    expect(() => parseListenAddress(text)).toThrow(ListenAddressError);
    expect(() => parseListenAddress(text)).toThrow(`'${text}'`);
  },
);
