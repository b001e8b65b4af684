import { describe, expect, it } from 'vitest';
import { routeNames, routeRow, shortcuts } from '#core/catalogue/routes.ts';
import { everyRow } from '#gateway/every-row.ts';
import { mountedAt } from '#gateway/routes/index.ts';
import { gateway } from './support.ts';

const mounted = (['gateway', 'halt'] as const).flatMap((door) => mountedAt(door));

describe('every route', () => {
  it('of the table is mounted at its door, once; those of MCP at a door of their own', () => {
    const table = routeNames.filter((name) => routeRow(name).door !== 'mcp');
    const names = mounted
      .map(({ name }) => name)
      .filter((name) => name in Object.fromEntries(table.map((one) => [one, 1])));
    expect(names.toSorted()).toEqual([...table].toSorted());
    expect(mounted).toHaveLength(table.length + shortcuts.length);
    const places = mounted.map(({ row: { method, path } }) => `${method} ${path}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it('is in the description of the interface, with an answer for each role that may not', async () => {
    const { body } = await gateway().get('/openapi.json');
    for (const { method, path, roles } of everyRow.filter(({ door }) => door !== 'mcp')) {
      const described = body.paths[path]?.[method.toLowerCase()];
      expect(described, `${method} ${path}`).toBeDefined();
      const wants = roles === 'anyone' ? [] : ['401', '403', '429'];
      expect(Object.keys(described.responses)).toEqual(expect.arrayContaining(wants));
    }
  });

  it('that starts a task by a prefix of the original is there where a task is', () => {
    expect(shortcuts.map(({ path, task }) => `${path} ${task}`)).toEqual([
      '/backtests backtest.run',
      '/ingest ingest.pull',
    ]);
  });
});
