// docs/mcp.md says of the tools what the tools say of themselves.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { roles } from '#core/catalogue/roles.ts';
import { taskNames } from '#core/catalogue/tasks.ts';
import { toolNameOf } from '#gateway/mcp/task-tools.ts';
import { tools } from '#gateway/mcp/tools.ts';
import type { Hints } from '#gateway/mcp/tool.ts';

const text = readFileSync(new URL('../../../../docs/mcp.md', import.meta.url), 'utf8');

function changes({ readOnlyHint, destructiveHint }: Hints): string {
  if (readOnlyHint) return '';
  return destructiveHint ? 'destroys' : 'starts';
}

/** A task's tool may be missing there: it follows from its contract. */
it('the table of tools is theirs, in their order', () => {
  const [, after = ''] = text.split('\n| tool |');
  const [body = ''] = after.split('\n\n');
  const rows = body.split('\n').slice(2);
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  const named = new Set(cells.map(([name]) => name));
  const wanted = tools.filter(({ name }) => named.has(name) || !taskNames.map(toolNameOf).includes(name));
  expect(cells).toStrictEqual(
    wanted.map(({ name, isFor, hints }) => [
      name,
      ...roles.map((role) => (isFor([role]) ? 'yes' : '')),
      changes(hints),
    ]),
  );
});
