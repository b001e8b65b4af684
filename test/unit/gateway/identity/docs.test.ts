// docs/identity.md says what the catalogue says, and its configuration is one that would be taken.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { roles } from '#core/catalogue/roles.ts';
import { routeNames, routeRow, shortcutRow, shortcuts } from '#core/catalogue/routes.ts';
import { taskContract, taskNames } from '#core/catalogue/tasks.ts';
import { parseIdentity } from '#gateway/identity/config.ts';

const text = readFileSync(new URL('../../../../docs/identity.md', import.meta.url), 'utf8');

/** The body of the table whose first column is headed so, by its first cell. */
function table(heading: string): Map<string, string[]> {
  const [, ...after] = text.split(`\n| ${heading} |`);
  const [body = ''] = (after[0] ?? '').split('\n\n');
  const rows = body.split('\n').slice(2);
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  return new Map(cells.map(([first = '', ...rest]) => [first, rest]));
}
const yes = (is: boolean): string => (is ? 'yes' : '');

it("the table of routes by role is the catalogue's", () => {
  const rows = [...routeNames.map(routeRow), ...shortcuts.map(shortcutRow)].flatMap((row) => {
    const { method, path, roles: who, stepUp } = row;
    if (who === 'anyone') return [];
    return [[`${method} ${path}`, [...roles.map((role) => yes(who.includes(role))), stepUp === 'never' ? '' : stepUp]]];
  });
  expect(table('route')).toStrictEqual(new Map(rows as [string, string[]][]));
});

/** Not every task: docs/catalogue.md, which is generated, has who may start each. */
it('the table of tasks by role says what the catalogue says of those it names', () => {
  const starters = ['researcher', 'operator', 'service'] as const;
  const named = table('task');
  expect(named.size).toBeGreaterThan(5);
  const rows = taskNames.flatMap((name): [string, string[]][] => {
    if (!named.has(name)) return [];
    const { startableBy } = taskContract(name);
    return [[name, starters.map((role) => yes(startableBy.includes(role)))]];
  });
  expect(named).toStrictEqual(new Map(rows));
});

it('the configuration is read as it stands there', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? [];
  expect(parseIdentity(json, { local: false }).map(({ name }) => name)).toStrictEqual(['entra', 'auth0']);
});

it('every field of the configuration is explained', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? [];
  const [row] = parseIdentity(json, { local: false });
  expect([...table('field').keys()].toSorted()).toStrictEqual(Object.keys(row!).toSorted());
});
