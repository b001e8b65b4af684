import { describe, expect, it } from 'vitest';
import { blankRow } from '#core/enqueue.ts';
import type { Run } from '#core/run.ts';
import { bound } from '#test/unit/core/support.ts';
import { gateway, problem, type TestGateway } from './support.ts';

const dayMs = 86_400_000;

/** Rows as they come: one a minute, the last one now. */
async function rows({ plane }: TestGateway, count: number, change: (number: number) => Partial<Run> = () => ({})) {
  const nowMs = plane.clock.nowMs();
  const made: Run[] = [];
  for (let number = 0; number < count; number += 1) {
    const over = change(number);
    const of = {
      id: plane.ids.runId(),
      task: 'ingest.pull',
      tenant: 'acme',
      actor: { kind: 'human', id: 'rita' },
    } as const;
    const row = { ...blankRow(plane, { ...of, nowMs: over.createdMs ?? nowMs - number * 60_000 }), ...over };
    await plane.ledger.create(row);
    made.push(row);
  }
  return made;
}
const idsOf = (body: { runs: { id: string }[] }) => body.runs.map(({ id }) => id);

/** All pages, and how many there were. */
async function pages({ get }: TestGateway, query: string) {
  const ids: string[] = [];
  let cursor: string | undefined;
  let count = 0;
  do {
    const { status, body } = await get(`/runs?${query}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    ids.push(...idsOf(body));
    cursor = body.cursor;
    count += 1;
  } while (cursor !== undefined && count < 50);
  return { ids, count };
}

describe('the runs of a tenant', () => {
  it('are listed newest first, page after page, each once, over days in which there was nothing', async () => {
    const at = gateway();
    const nowMs = at.plane.clock.nowMs();
    const made = await rows(at, 30, (number) => ({ createdMs: nowMs - number * (dayMs + 3_600_000) }));
    const { ids, count } = await pages(at, 'limit=7');
    expect(ids).toEqual(made.map(({ id }) => id));
    expect(count).toBe(5);
  });

  it('show nothing of another tenant, also when asked for by an actor whose name is the same there', async () => {
    const at = gateway();
    const [own] = await rows(at, 1);
    await rows(at, 3, () => ({ tenant: 'umbrella' }));
    await rows(at, 2, () => ({ tenant: 'system', actor: { kind: 'system', id: 'system:beat' } }));
    for (const query of ['limit=100', 'actor=rita', 'kind=human', 'state=queued', 'task=ingest.pull'])
      expect((await pages(at, query)).ids).toEqual([own?.id]);
    expect(idsOf((await at.get('/runs', 'eve')).body)).toHaveLength(3);
    expect((await at.get('/runs?actor=system:beat', 'otto')).body.runs).toEqual([]);
  });

  it("are the plane's own for an operator who says so, and for nobody else", async () => {
    const at = gateway();
    const made = await rows(at, 2, () => ({ tenant: 'system', actor: { kind: 'system', id: 'system:beat' } }));
    expect(idsOf((await at.get('/runs?tenant=system', 'otto')).body)).toEqual(made.map(({ id }) => id));
    expect(await at.get('/runs?tenant=system', 'rita')).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
    expect(await at.get('/runs?tenant=umbrella', 'otto')).toMatchObject(problem(422, 'REQUEST_INVALID'));
  });

  it('are filtered by queue, task, kind, state and day, and a filter reads no more than 500 rows a request', async () => {
    const at = gateway();
    const nowMs = at.plane.clock.nowMs();
    await rows(at, 700, (number) => ({ createdMs: nowMs - number * 1000 }));
    const [wanted] = await rows(at, 1, () => ({ state: 'dead', createdMs: nowMs - 699_500 }));
    const [older] = await rows(at, 1, () => ({ state: 'dead', createdMs: nowMs - dayMs }));
    let read = 0;
    const readMany = bound(at.plane.ledger, 'readMany');
    at.plane.ledger.readMany = (ids) => {
      read += ids.length;
      return readMany(ids);
    };
    const { body } = await at.get('/runs?state=dead');
    expect(body.runs).toEqual([]);
    expect(body.cursor).toBeTruthy();
    expect(read).toBe(500);
    expect((await pages(at, 'state=dead')).ids).toEqual([wanted?.id, older?.id]);
    const yesterday = new Date(nowMs - dayMs).toISOString().slice(0, 10);
    expect((await pages(at, `state=dead&day=${yesterday}`)).ids).toEqual([older?.id]);
    expect((await pages(at, 'state=dead&queue=backtest')).ids).toEqual([]);
    expect((await pages(at, 'state=dead&kind=service')).ids).toEqual([]);
  });

  it.each(['', '&day=0020-02-29', '&day=9999-12-31'])(
    'are not looked for on days that have none: those to come, and those that have left%s',
    async (day) => {
      const at = gateway();
      await rows(at, 1);
      let asked = 0;
      const page = bound(at.plane.ledger, 'page');
      at.plane.ledger.page = (query) => {
        asked += 1;
        return page(query);
      };
      for (const from of ['9999-12-31', '2026-01-05', '0001-01-01']) {
        const { status } = await at.get(`/runs?cursor=${btoa(JSON.stringify({ day: from }))}${day}`);
        expect(status).toBe(200);
      }
      expect(asked).toBeLessThan(100);
    },
  );

  it.each([
    'limit=0',
    'limit=101',
    'limit=1e1',
    'limit=',
    'limit=5&limit=6',
    'state=asleep',
    'queue=none',
    'day=2026-02-30',
    'color=red',
    'cursor=nonsense',
    `cursor=${btoa('{"day":"2026-01-01","before":7}')}`,
  ])('are refused for %s, by the name of the parameter', async (query) => {
    const answer = await gateway().get(`/runs?${query}`);
    expect(answer).toMatchObject(problem(422, 'REQUEST_INVALID'));
    expect(answer.body.issues[0].path).toBe(`query.${query.split('=')[0]}`);
  });
});
