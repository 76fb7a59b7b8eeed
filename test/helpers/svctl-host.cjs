// Runs the built svctl again and again in one process, for SvctlHosts: a process for each call
// takes a tenth of a second of CPU, and the scenario tests call svctl two thousand times. A
// message has the words of a call. The answer goes out when svctl has nothing left to do, as a
// process ends.
const svctl = process.argv[2];
let output;

for (const name of ['stdout', 'stderr']) {
  process[name].isTTY = false;
  process[name].write = (text) => {
    output[name] += text;
    return true;
  };
}

process.on('message', (words) => {
  output = { stdout: '', stderr: '' };
  process.argv = [process.execPath, svctl, ...words];
  process.exitCode = undefined;
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners();
  process.channel.unref();
  // A freshly loaded svctl knows nothing of earlier calls.
  delete require.cache[svctl];
  require(svctl);
});

process.on('beforeExit', () => {
  if (!process.connected) return;
  process.channel.ref();
  process.send({ ...output, code: process.exitCode ?? 0 });
});
