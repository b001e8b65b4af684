import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeRun, checkTransition, isTerminal, openState, runStates, type Run, type RunState } from '#core/run.ts';
import { memoryPlane } from '#memory/plane.ts';
import { failureOf, runRow } from './support.ts';

/** The table of architecture.md, written out once more: `+` a step, `g` a step into the next generation, `.` none. */
const table = `
             queued held running succeeded failed cancelled skipped dead
  queued     .      +    +       .         +      +         +       .
  held       +      .    .       .         .      +         .       .
  running    +      +    .       +         +      +         +       +
  succeeded  .      .    .       .         .      .         .       .
  failed     g      .    .       .         .      .         .       .
  cancelled  .      .    .       .         .      .         .       .
  skipped    g      .    .       .         .      .         .       .
  dead       g      .    .       .         .      .         .       .
`;
const [columns, ...lines] = table
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));
const steps = lines.flatMap(([from, ...cells]) =>
  cells.map((cell, column) => ({ from: from as RunState, to: columns![column] as RunState, cell })),
);
/** How far the generation may rise on this step: nothing, or exactly this. */
const rise = (from: RunState, to: RunState): number | undefined => {
  const cell = steps.find((step) => step.from === from && step.to === to)?.cell;
  return cell === '+' ? 0 : cell === 'g' ? 1 : from === to ? 0 : undefined;
};
const isLegal = (from: Pick<Run, 'state' | 'generation'>, to: Pick<Run, 'state' | 'generation'>): boolean =>
  rise(from.state, to.state) === to.generation - from.generation;

describe('the transition table', () => {
  it('covers every pair of states', () => {
    expect(columns).toHaveLength(runStates.length);
    expect(steps).toHaveLength(runStates.length ** 2);
  });

  it.each(steps.filter(({ from, to }) => from !== to))('from $from to $to: $cell', ({ from, to, cell }) => {
    for (const generation of [0, 1, 2, 3]) {
      const attempt = () => checkTransition({ id: 'r', state: from, generation: 1 }, { state: to, generation });
      const allowed = (cell === '+' && generation === 1) || (cell === 'g' && generation === 2);
      if (allowed) expect(attempt).not.toThrow();
      else expect(failureOf(attempt).code).toBe('TRANSITION_ILLEGAL');
    }
  });

  it('says which run cannot go where', () => {
    const failure = failureOf(() =>
      checkTransition({ id: 'run-7', state: 'succeeded', generation: 2 }, { state: 'running', generation: 2 }),
    );
    expect(failure.message).toBe('run run-7 cannot go from succeeded (generation 2) to running (generation 2)');
  });

  it('lets a row stay where it is, in its own generation only', () => {
    for (const state of runStates) {
      expect(() => checkTransition({ id: 'r', state, generation: 1 }, { state, generation: 1 })).not.toThrow();
      expect(() => checkTransition({ id: 'r', state, generation: 1 }, { state, generation: 2 })).toThrow(/cannot go/);
    }
  });
});

const event = fc.record({ state: fc.constantFrom(...runStates), up: fc.integer({ min: -1, max: 2 }) });

describe('any sequence of events', () => {
  it('changes a row by legal steps only; the generation rises by one with each return of a terminal row, rev is dense', () => {
    fc.assert(
      fc.property(fc.constantFrom(...runStates), fc.array(event, { maxLength: 40 }), (first, events) => {
        let row = runRow({ state: first });
        let written = 0;
        let returns = 0;
        for (const { state, up } of events) {
          const wanted = { state, generation: row.generation + up };
          const before = row;
          try {
            row = changeRun(row, wanted);
          } catch {
            expect(isLegal(before, wanted)).toBe(false);
            expect(row).toBe(before);
            continue;
          }
          expect(isLegal(before, wanted)).toBe(true);
          written += 1;
          returns += Number(isTerminal(before.state) && state === 'queued');
          expect(row.rev).toBe(1 + written);
          expect(row.generation).toBe(1 + returns);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leaves succeeded and cancelled for ever', () => {
    fc.assert(
      fc.property(fc.constantFrom('succeeded', 'cancelled'), fc.array(event), (first: RunState, events) => {
        let row = runRow({ state: first });
        for (const { state, up } of events) {
          try {
            row = changeRun(row, { state, generation: row.generation + up });
          } catch {
            // Refused, as most are.
          }
        }
        expect([row.state, row.generation]).toEqual([first, 1]);
      }),
    );
  });

  it('is refused by the ledger too, which writes dense revisions only', async () => {
    const plane = memoryPlane();
    const row = runRow({ state: 'succeeded' }, plane);
    await plane.ledger.create(row);
    await expect(plane.ledger.replace(row, { ...row, state: 'running', rev: 2 })).rejects.toThrow(/cannot go/);
    expect(await plane.ledger.replace(row, { ...row, rev: 3 })).toBe('conflict');
    expect(await plane.ledger.replace({ ...row, rev: 7 }, { ...row, rev: 8 })).toBe('conflict');
    expect(await plane.ledger.replace(row, { ...row, rev: 2 })).toBe('replaced');
  });
});

describe('a change', () => {
  it('never touches the row it is made from', () => {
    const row = Object.freeze(runRow({ lease: { owner: 'me', untilMs: 5 } }));
    expect(changeRun(row, { state: 'running', lease: 'none' })).not.toBe(row);
    expect(row.lease).toEqual({ owner: 'me', untilMs: 5 });
  });

  it('keeps lease and outcome when it does not name them, and drops them when told', () => {
    const row = runRow({ lease: { owner: 'me', untilMs: 5 }, outcome: { code: 'stale' } });
    expect(changeRun(row, { hops: 1 })).toMatchObject({ lease: row.lease, outcome: row.outcome });
    const bare = changeRun(row, { lease: 'none', outcome: 'none' });
    expect(Object.keys(bare)).not.toContain('lease');
    expect(Object.keys(bare)).not.toContain('outcome');
  });

  it('keeps a wish to cancel until it is withdrawn, and may bring one', () => {
    const cancel = { by: 'anna', reason: 'wrong data', atMs: 5 };
    const flagged = changeRun(runRow(), { cancel });
    expect(changeRun(flagged, { hops: 1 }).cancel).toEqual(cancel);
    expect(Object.keys(changeRun(flagged, { cancel: 'none' }))).not.toContain('cancel');
    expect(Object.keys(changeRun(runRow(), {}))).not.toContain('cancel');
  });
});

it('a row stands in the open index until it is terminal and drained', () => {
  const seen = runStates.map((state) => [openState({ state, outbox: [] }), openState({ state, outbox: ['event'] })]);
  expect(Object.fromEntries(runStates.map((state, index) => [state, seen[index]]))).toEqual({
    queued: ['queued', 'queued'],
    held: ['held', 'held'],
    running: ['running', 'running'],
    succeeded: [undefined, 'outbox'],
    failed: [undefined, 'outbox'],
    cancelled: [undefined, 'outbox'],
    skipped: [undefined, 'outbox'],
    dead: [undefined, 'outbox'],
  });
});
