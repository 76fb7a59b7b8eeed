// A client for a test to run as another user: `node raw-client.mjs TARGET PATH REQUEST_HEX` makes
// one unary or streaming call and prints {code, details, status, answer} (status and answer in hex;
// of a stream the first message).
import { Client, credentials } from '@grpc/grpc-js';

const { AS_UID, AS_GID, AS_GROUPS } = process.env;
if (AS_UID !== undefined) {
  // Not before all is loaded: the other user need not be able to read this directory.
  process.setgroups(AS_GROUPS ? AS_GROUPS.split(',').map(Number) : []);
  process.setgid(Number(AS_GID));
  process.setuid(Number(AS_UID));
}
const [target, path, request, kind] = process.argv.slice(2);
const client = new Client(target, credentials.createInsecure());
const identity = (bytes) => bytes;
const hex = (bytes) => (bytes === undefined ? '' : Buffer.from(bytes).toString('hex'));
const say = (code, details, metadata, answer) => {
  const status = hex(metadata?.get('grpc-status-details-bin')[0]);
  process.stdout.write(JSON.stringify({ code, details, status, answer: hex(answer) }));
  client.close();
};

if (kind === 'stream') {
  const call = client.makeServerStreamRequest(path, identity, identity, Buffer.from(request, 'hex'));
  let first;
  call.on('data', (message) => {
    first ??= message;
    call.cancel();
  });
  call.on('error', (error) => (first ? say(0, '', undefined, first) : say(error.code, error.details, error.metadata)));
} else {
  client.makeUnaryRequest(path, identity, identity, Buffer.from(request, 'hex'), (error, answer) => {
    if (error) say(error.code, error.details, error.metadata);
    else say(0, '', undefined, answer);
  });
}
