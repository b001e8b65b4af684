// docs/api.md says of routes and codes what the catalogue and the doors say.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { doorNames } from '#core/catalogue/doors.ts';
import { limits } from '#core/catalogue/limits.ts';
import { shortcuts } from '#core/catalogue/routes.ts';
import { everyRow } from '#gateway/every-row.ts';
import { problems } from '#gateway/problem.ts';

const text = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');

/** The rows of the first table behind `heading`. */
function table(page: string, heading: string): string[][] {
  const [, after = ''] = page.split(`\n${heading}\n`);
  const [, ...lines] = after.slice(after.indexOf('\n|')).trimStart().split('\n\n')[0]!.split('\n');
  return lines.slice(1).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}
const httpDoors = doorNames.filter((door) => door !== 'sockets');

describe('docs/api.md', () => {
  it.each(httpDoors)('lists the routes of %s as the catalogue has them', (door) => {
    const wanted = everyRow
      .filter((row) => row.door === door)
      .map(({ method, path, title }) => [`${method} ${path}`, title.replaceAll('`', '')]);
    expect(wanted.length).toBeGreaterThan(0);
    expect(table(text, `### Of the function \`${door}\``)).toStrictEqual(wanted);
  });

  it('has a row for each code that an answer may have, with its status and what to do', () => {
    const rows = table(text, '## Codes');
    const said = rows.map(([code, status]) => `${code} ${status}`);
    const wanted = Object.entries(problems).map(([code, { status }]) => `${code} ${status}`);
    expect(said.toSorted()).toStrictEqual(wanted.toSorted());
    expect(rows.filter(([, , todo = '']) => todo.length < 10)).toStrictEqual([]);
  });

  it('names the shortcuts that there are', () => {
    const [, after = ''] = text.split('**Shortcuts.**');
    const named = [...after.split('\n\n')[0]!.matchAll(/`POST (\/[a-z-]+)`/g)].map(([, path]) => path);
    expect(named).toStrictEqual(shortcuts.map(({ path }) => path));
  });

  it('says how large a payload may be', () => {
    expect(text).toContain(`A **payload** has at most\n${limits.payloadBytes / 1024 ** 2} MiB`);
  });

  it('is read table by table, each by its heading', () => {
    const page = '\n## A\n\nwords\n\n| a | b |\n|---|---|\n| `x` | y z |\n\nmore\n';
    expect(table(page, '## A')).toStrictEqual([['x', 'y z']]);
  });
});
