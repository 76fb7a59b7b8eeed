// Loaded before my_init and svctl by the image's own Node, whatever its age: what it cannot run
// would end with a SyntaxError.
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
