import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TaskName } from '#core/catalogue/tasks.ts';
import { Failure, toFailure } from '#core/errors.ts';
import type { TaskContext } from '#core/task.ts';
import { memoryLog } from '#memory/observed.ts';
import { childBodies } from '#runtime/executor/child.ts';

const entry = fileURLToPath(new URL('fixtures/child.ts', import.meta.url));

/** The side of the executor: ports, and what the child says. */
function executorSide() {
  const ending = new AbortController();
  const said: unknown[] = [];
  const context = {
    ports: {
      artefacts: {
        put: async (name: string, bytes: Uint8Array) => `${name}:${bytes.length}`,
        read: async () => new Uint8Array(7),
        refuse: async () => {
          throw new Failure('KILL_SWITCH_HALTED', 'halted');
        },
      },
    },
    run: { id: 'run-1', tenant: 'acme', attempt: 1, fence: 1 },
    cursor: { from: 4 },
    signal: ending.signal,
    nowMs: () => Date.now(),
    progress: (report: unknown) => said.push(report),
    checkpoint: async (cursor: unknown) => {
      said.push(cursor);
      ending.signal.throwIfAborted();
    },
  } as unknown as TaskContext<TaskName>;
  return { ending, said, context };
}

const begin = (does: string, change: (side: ReturnType<typeof executorSide>) => void = () => undefined) => {
  const side = executorSide();
  change(side);
  const log = memoryLog();
  const body = childBodies({ 'backtest.run': async () => undefined }, { entry, log })['backtest.run']!;
  return { ...side, log, end: body({ does }, side.context) };
};
const start = (does: string) => begin(does);
const failure = async (end: Promise<unknown>): Promise<Failure> =>
  end.then(
    () => expect.fail('it ended well'),
    (thrown: unknown) => toFailure(thrown),
  );
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
};

describe('a body in a process of its own', () => {
  it('has run, cursor, time and ports; its progress and checkpoints arrive', async () => {
    const { end, said } = start('works');
    expect(await end).toMatchObject({ warnings: ['x.bin:3 7 run-1 {"from":4} true'] });
    expect(said).toEqual([{ stage: 'half', pct: 50 }, { at: 1 }]);
  });

  it('has no variable of its executor, hence no credential, and a bounded heap', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'planted';
    const { warnings } = (await start('showsItsVariables').end) as { warnings: string[] };
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    expect(warnings[0]).not.toContain('AWS');
    expect(await start('wantsMore').end).toMatchObject({ warnings: ['artefacts --max-old-space-size=3584'] });
  });

  it('keeps its failure, and a strange error becomes INTERNAL', async () => {
    expect(await failure(start('refuses').end)).toMatchObject({
      code: 'INPUT_INVALID',
      message: 'the price of bar 3 is 0',
    });
    expect((await failure(start('breaks').end)).code).toBe('INTERNAL');
  });

  it.each([
    ['exits', 'exited with code 3'],
    ['isKilled', 'was ended by SIGKILL, as when a container runs out of memory'],
  ])('that %s has died: %s', async (does, words) => {
    const found = await failure(start(does).end);
    expect(found.code).toBe('CHILD_DIED');
    expect(found.message).toContain(words);
  });

  it('that dies while it is being answered has died, too: what cannot be sent to it any more harms nobody', async () => {
    const { end, context, said } = begin('diesAmidCalls', (side) => {
      const checkpoint = side.context.checkpoint.bind(side.context);
      Object.assign(side.context, {
        // Busy while the child dies: the answers are then sent before its end is seen.
        checkpoint: async (cursor: unknown) => {
          const untilMs = performance.now() + (side.said.length === 0 ? 300 : 0);
          while (performance.now() < untilMs);
          await checkpoint(cursor);
        },
      });
    });
    expect(context.signal.aborted).toBe(false);
    expect(await failure(end)).toMatchObject({ code: 'CHILD_DIED' });
    expect(said.length).toBeGreaterThan(1);
  });

  it('told to end is done at its next checkpoint, for the reason it was told', async () => {
    const { end, ending, said, log } = start('loops');
    await until(() => said.length > 3);
    ending.abort(new Failure('RUN_CANCELLED', 'cancelled by ada'));
    expect(await failure(end)).toMatchObject({ code: 'RUN_CANCELLED', message: 'cancelled by ada' });
    expect(log.lines.at(-1)).toMatchObject({ fields: { exitCode: expect.anything(), spoke: true } });
  });
});
