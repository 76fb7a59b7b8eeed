// svctl uses the screen and the keys of terminal-kit. Its widgets, images, palettes and emoji names
// would be two thirds of what `svctl top` loads, and its own way to load parts late cannot be
// bundled.
export const leanTerminalKit = {
  name: 'lean-terminal-kit',
  setup(build) {
    build.onLoad({ filter: /\/terminal-kit\/lib\/termkit\.js$/ }, () => ({ contents: ENTRY }));
    build.onLoad({ filter: /\/terminal-kit\/lib\/termconfig\/README$/ }, () => ({ contents: '' }));
    build.onResolve({ filter: UNUSED }, ({ path, importer }) =>
      /\/(terminal-kit|string-kit)\/lib\//.test(importer) ? { path, namespace: 'unused-terminal-kit' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'unused-terminal-kit' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const UNUSED =
  /\/(yesOrNo|inputField|fileInput|singleLineMenu|singleColumnMenu|gridMenu|progressBar|bar|slowTyping|extClipboard|emoji)(\.js)?$|\/emoji-[a-z-]+\.json$/;

const ENTRY = `
const termkit = { globalConfig: {} };
module.exports = termkit;
termkit.tty = require('./tty.js');
Object.assign(termkit, require('./misc.js'), require('./detectTerminal.js'));
termkit.Terminal = require('./Terminal.js');
termkit.createTerminal = termkit.Terminal.create;
termkit.image = { load() {} };
termkit.TextBuffer = class {};
termkit.Element = class {};
termkit.chroma = require('chroma-js');
termkit.Palette = require('./Palette.js');
termkit.Rect = require('./Rect.js');
termkit.ScreenBuffer = require('./ScreenBuffer.js');
let terminal;
Object.defineProperty(termkit, 'terminal', {
  get: () => {
    const { generic, appId, safe, isTTY, isSSH } = termkit.guessTerminal();
    const { stdin, stdout, stderr } = process;
    terminal ??= termkit.createTerminal({
      stdin, stdout, stderr, generic: generic || 'unknown', appId: safe ? appId : undefined, isTTY, isSSH, processSigwinch: true,
    });
    return terminal;
  },
});
`;
