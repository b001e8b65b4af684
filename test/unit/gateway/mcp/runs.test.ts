import { describe, expect, it } from 'vitest';
import { engage } from '#core/halt.ts';
import { anyBodies } from '#core/task.ts';
import { inboxKey } from '#core/task-ports.ts';
import { ingestionTasks } from '#tasks/ingestion/index.ts';
import { deliver, drive } from '#test/unit/core/support.ts';
import { pull, type Who } from '#test/unit/gateway/support.ts';
import { mcpDoor } from './support.ts';

type Door = Awaited<ReturnType<typeof mcpDoor>>;
const started = async ({ call }: Door, who: Who = 'rita'): Promise<string> =>
  (await call(who, 'ingest_pull', pull.payload)).said.id;

const csv = 'Date,Open,High,Low,Close,Volume\n2026-01-02,1,2,1,2,100\n2026-01-05,2,3,2,3,100\n';
/** A run of rita's that has succeeded, with what it wrote. */
async function ended(door: Door): Promise<string> {
  const { plane } = door;
  await plane.artefacts.put(inboxKey('acme', 'sp500.csv'), new TextEncoder().encode(csv), 'text/csv');
  const id = await started(door);
  await drive(plane, deliver(plane, 'ingestion', { bodies: anyBodies(ingestionTasks) }));
  expect((await plane.ledger.read(id))?.state).toBe('succeeded');
  return id;
}
/** An artefact more of the claim that has settled the run. */
async function wrote(
  { plane }: Door,
  id: string,
  [name, bytes]: readonly [string, string | Uint8Array],
): Promise<void> {
  const { fence = 0 } = (await plane.ledger.read(id)) ?? {};
  const contents = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  await plane.artefacts.put(`artifacts/acme/ingest.pull/${id}/${fence}/${name}`, contents, 'x');
}

describe('looking at runs', () => {
  it('list_runs has those of the own tenant, by what is asked for, page after page', async () => {
    const door = await mcpDoor();
    const ids = [await started(door), await started(door), await started(door, 'bot')];
    await started(door, 'eve');
    const listed = async (given: object) => {
      const { said } = await door.call('vera', 'list_runs', { ...given });
      return { ids: said.runs.map(({ id }: { id: string }) => id), cursor: said.cursor };
    };
    expect((await listed({})).ids).toStrictEqual(ids.toReversed());
    expect((await listed({ actor: 'bot' })).ids).toStrictEqual(ids.slice(2));
    expect((await listed({ state: 'running' })).ids).toStrictEqual([]);
    const first = await listed({ limit: 2 });
    expect(first.ids).toStrictEqual(ids.toReversed().slice(0, 2));
    expect((await listed({ limit: 2, cursor: first.cursor })).ids).toStrictEqual(ids.slice(0, 1));
  });

  it.each([
    [{ limit: 0 }, 'arguments.limit'],
    [{ limit: '1; drop' }, 'arguments.limit'],
    [{ queue: 'none' }, 'arguments.queue'],
    [{ colour: 'red' }, 'arguments.colour'],
    [{ tenant: 'umbrella' }, 'arguments.tenant'],
    [{ cursor: 'nonsense' }, 'arguments.cursor'],
  ])('list_runs of %j is refused, and says where it does not fit', async (given, path) => {
    const { isError, said } = await (await mcpDoor()).call('rita', 'list_runs', given);
    expect(isError).toBe(true);
    expect(said).toMatchObject({ code: 'REQUEST_INVALID', issues: [{ path }] });
  });

  it('get_run shows state and payload, then outcome, result and artefacts', async () => {
    const door = await mcpDoor();
    const id = await started(door);
    expect((await door.call('vera', 'get_run', { id })).said).toMatchObject({
      id,
      state: 'queued',
      payload: { dataset: 'sp500-daily' },
      artefacts: [],
    });
    const other = await mcpDoor();
    const { said } = await other.call('vera', 'get_run', { id: await ended(other) });
    expect(said).toMatchObject({ state: 'succeeded', result: { rowsIn: 2 }, progress: { state: 'succeeded' } });
    expect(said.artefacts.length).toBeGreaterThan(1);
  });

  it('one of another tenant is as unknown as one that never was, to every tool', async () => {
    const door = await mcpDoor();
    const id = await ended(door);
    for (const name of ['get_run', 'follow_run', 'cancel_run', 'list_artefacts', 'get_artefact']) {
      const more = name === 'get_artefact' ? { name: 'quality.json' } : {};
      const theirs = await door.call('eve', name, { id, ...more });
      expect(theirs, `by ${name}`).toMatchObject({ isError: true, said: { code: 'RUN_UNKNOWN', status: 404 } });
      const none = '00000000-0000-4000-8000-000000000000';
      const never = await door.call('eve', name, { id: none, ...more });
      expect(theirs.text.replace(id, none)).toBe(never.text);
    }
    expect((await door.plane.ledger.read(id))?.cancel).toBeUndefined();
  });
});

describe('follow_run', () => {
  it('gives what there is at once, and nothing twice', async () => {
    const door = await mcpDoor();
    const id = await ended(door);
    const { said } = await door.call('vera', 'follow_run', { id, wait: 20 });
    expect(said.frames.length).toBeGreaterThan(1);
    expect(said).toMatchObject({ ended: 'succeeded' });
    const { said: more } = await door.call('vera', 'follow_run', { id, after: said.next, wait: 20 });
    expect(more).toMatchObject({ frames: [], ended: 'succeeded', next: said.next });
  });

  it('waits for a frame, and no longer than it was asked to', async () => {
    const door = await mcpDoor();
    const { plane } = door;
    const id = await started(door);
    const beganMs = plane.clock.monotonicMs();
    const { said } = await drive(plane, door.call('vera', 'follow_run', { id, wait: 20 }), 400);
    expect(said).toMatchObject({ frames: [] });
    expect(plane.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(20_000);

    const waiting = door.call('vera', 'follow_run', { id, wait: 20 });
    await drive(plane, deliver(plane, 'ingestion', { bodies: anyBodies(ingestionTasks) }));
    expect((await drive(plane, waiting)).said.frames.length).toBeGreaterThan(0);
  });

  it.each([
    [{ wait: 21 }, 'REQUEST_INVALID'],
    [{ after: 'x' }, 'REQUEST_INVALID'],
    [{ after: '9.9' }, 'INPUT_INVALID'],
  ])('of %j is refused: %s', async (given, code) => {
    const door = await mcpDoor();
    const { said } = await door.call('vera', 'follow_run', { id: await started(door), ...given });
    expect(said).toMatchObject({ code });
  });
});

describe('cancel_run', () => {
  it('cancels, in a halt too, for the reason that is given, and is audited as any cancel is', async () => {
    const door = await mcpDoor();
    const { plane, call } = door;
    const id = await started(door);
    await drive(plane, engage(plane, { by: 'olga', reason: 'prices are wrong' }));
    plane.audit.entries.length = 0;
    const { said } = await call('rita', 'cancel_run', { id, reason: 'wrong file' });
    expect(said).toMatchObject({ did: 'cancelled', run: { state: 'cancelled', cancel: { reason: 'wrong file' } } });
    const about = { effect: 'operation.cancel', subject: id, reason: 'wrong file', from: '192.0.2.7 by mcp' };
    expect(plane.audit.entries).toStrictEqual([
      expect.objectContaining(about),
      expect.objectContaining({ ...about, outcome: 'done' }),
    ]);
    expect((await call('rita', 'cancel_run', { id })).said).toMatchObject({ did: 'nothing' });
  });
});

describe('artefacts', () => {
  it('list_artefacts names what a run wrote, and get_artefact gives a link and the text', async () => {
    const door = await mcpDoor();
    const id = await ended(door);
    await wrote(door, id, ['notes/first.md', '# Größe']);
    const { said } = await door.call('vera', 'list_artefacts', { id });
    const listed = said.artefacts.find(({ name }: { name: string }) => name === 'notes/first.md');
    const { said: one } = await door.call('vera', 'get_artefact', { id, name: 'notes/first.md' });
    expect(one).toStrictEqual({ ...listed, text: '# Größe' });
    expect(one.href).toMatch(/^https:.*notes\/first\.md\?signature=[0-9a-f]{64}$/);
  });

  it.each([
    ['one byte more than is said', 'x'.repeat(65_537), undefined],
    ['just as much as is said', 'x'.repeat(65_536), 'x'.repeat(65_536)],
    ['no UTF-8', new Uint8Array([0x50, 0xff, 0x52]), undefined],
    ['UTF-8 with a zero, as no text has', 'PAR1\0', undefined],
  ] as const)('get_artefact of %s', async (_, bytes, text) => {
    const door = await mcpDoor();
    const id = await ended(door);
    await wrote(door, id, ['a', bytes]);
    const { said } = await door.call('vera', 'get_artefact', { id, name: 'a' });
    expect(said.sizeBytes).toBe(typeof bytes === 'string' ? bytes.length : bytes.byteLength);
    expect(said.text).toBe(text);
  });

  it('a secret that a run wrote is not read out', async () => {
    const door = await mcpDoor();
    const id = await ended(door);
    const key = `AKIA${'ABCDEFGH23456723'}`;
    await wrote(door, id, ['log.txt', `used ${key}`]);
    expect((await door.call('vera', 'get_artefact', { id, name: 'log.txt' })).said.text).toBe('used [redacted]');
  });

  it('what is not there, what another claim wrote, and what lies elsewhere are not found', async () => {
    const door = await mcpDoor();
    const id = await ended(door);
    const fence = (await door.plane.ledger.read(id))!.fence;
    const base = `artifacts/acme/ingest.pull/${id}`;
    await door.plane.artefacts.put(`${base}/${fence + 1}/late`, new Uint8Array(), 'x');
    for (const name of ['none', 'late', `../${fence + 1}/late`, '../../../../../inbox/acme/sp500.csv', '/', '.']) {
      expect(await door.call('vera', 'get_artefact', { id, name })).toMatchObject({
        isError: true,
        said: { code: 'NOT_FOUND', detail: expect.stringContaining('list_artefacts') },
      });
    }
  });

  it('of a run that has not succeeded there are none', async () => {
    const door = await mcpDoor();
    const id = await started(door);
    await wrote(door, id, ['half', 'x']);
    expect((await door.call('vera', 'list_artefacts', { id })).said).toStrictEqual({
      artefacts: [],
      moreArtefacts: false,
    });
    expect((await door.call('vera', 'get_artefact', { id, name: 'half' })).said).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the plane', () => {
  it('list_schedules and get_halt say what the gateway says', async () => {
    const door = await mcpDoor();
    const { said } = await door.call('vera', 'list_schedules');
    expect(said.schedules).toContainEqual(expect.objectContaining({ key: 'runs-reap', task: 'runs.reap' }));
    expect((await door.call('vera', 'get_halt')).said).toMatchObject({ state: 'clear' });
    await drive(door.plane, engage(door.plane, { by: 'olga', reason: 'prices are wrong' }));
    const { said: halted } = await door.call('vera', 'get_halt');
    expect(halted).toMatchObject({ state: 'halted', by: 'olga', reason: 'prices are wrong' });
  });

  it('a fault of ours says nothing of its inside, and the log does', async () => {
    const door = await mcpDoor();
    const key = `AKIA${'ABCDEFGH23456723'}`;
    door.plane.ledger.page = async () => {
      throw new Error(`ProvisionedThroughputExceeded on table runs with ${key}`);
    };
    const { isError, said, text } = await door.call('vera', 'list_runs');
    expect(isError).toBe(true);
    expect(said).toMatchObject({ code: 'INTERNAL', instance: 'urn:request:request-1' });
    expect(text + JSON.stringify(said)).not.toMatch(/Throughput|table/);
    const [line] = door.plane.log.lines.filter((one) => one.line === 'request failed');
    expect(line?.fields).toMatchObject({ request: 'request-1', path: 'list_runs', code: 'INTERNAL' });
    expect(JSON.stringify(line)).toContain('Throughput');
    expect(JSON.stringify(door.plane.log.lines)).not.toContain(key);
  });
});
