// The image's own Node, of any age, loads this file before my_init and svctl: an old Node would
// fail on their code with a SyntaxError.
var needed = '20.12';
var version = process.versions.node.split('.').map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 12)) {
  process.stderr.write(
    'my_init needs Node ' +
      needed +
      ' or newer, and ' +
      process.execPath +
      ' is ' +
      process.versions.node +
      ': install a newer one, or the my_init that brings its own\n',
  );
  process.exit(126);
}
