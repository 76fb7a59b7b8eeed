// Bundles svctl into an executable file and its chunks: node clients/svctl/build.mjs [OUTFILE]
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../src/bundle.mjs';
import { dashboardPage } from '../dashboard/bundle-page.mjs';
import { leanTerminalKit } from './lean-terminal-kit.mjs';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = process.argv[2] ?? place('../../dist/svctl.js');
const { version } = JSON.parse(fs.readFileSync(place('../../package.json'), 'utf8'));

// A shell script to the kernel, JavaScript to Node. These variables are meant for an application in
// the container, and would act on svctl before its first line runs. A shebang alone cannot unset
// anything (env -S is not in every busybox). The shell costs less than 1 ms.
const MEANT_FOR_OTHERS =
  'NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_DEBUG NODE_DEBUG_NATIVE NODE_V8_COVERAGE NODE_PENDING_DEPRECATION ' +
  'NODE_REDIRECT_WARNINGS OPENSSL_CONF SSLKEYLOGFILE UV_THREADPOOL_SIZE UV_USE_IO_URING';
// The Node that was installed with my_init comes before the application's own Node.
const INSTALLED_NODE = '/usr/lib/my_init/node';
const head = `#!/bin/sh
':' //; unset ${MEANT_FOR_OTHERS}; node=${INSTALLED_NODE}; test -x $node || node=node; exec $node "$0" "$@"`;

await bundle(place('svctl.ts'), outfile, 'lib-svctl', {
  define: { SVCTL_VERSION: JSON.stringify(version) },
  head: `${head}\n`,
  minify: true,
  plugins: [leanTerminalKit, dashboardPage],
});
fs.chmodSync(outfile, 0o755);
