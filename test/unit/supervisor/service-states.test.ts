import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { stateDiagram } from '../../helpers/state-diagram.js';

const DOCUMENT = fileURLToPath(new URL('../../../docs/design/service-states.md', import.meta.url));
const BLOCK = /```mermaid\n[\s\S]*?```/;

test('the diagram in docs/design/service-states.md matches the table', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const wanted = text.replace(BLOCK, `\`\`\`mermaid\n${stateDiagram()}\`\`\``);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(DOCUMENT, wanted);
  else if (text !== wanted)
    throw new Error(
      'src/supervisor/table.ts says otherwise than the diagram. To draw it again:\n  UPDATE_DOCS=1 NODE_OPTIONS=--experimental-vm-modules npx jest test/unit/supervisor/service-states.test.ts',
    );
  expect(text).toMatch(BLOCK);
});
