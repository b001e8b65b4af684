import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logLines } from '#core/catalogue/metrics.ts';
import { progressReporter, terminalFrame, type Frame, type ProgressReport } from '#core/progress.ts';
import { runStates, isTerminal } from '#core/run.ts';
import { memoryClock } from '#memory/clock.ts';
import { memoryProgress } from '#memory/progress.ts';
import { memoryPlane } from '#memory/plane.ts';
import { ask, deliver, drive, pullResult, pulls, rowOf, runRow } from './support.ts';

const run = { id: 'run-1', fence: 3 };
function reporting() {
  const clock = memoryClock();
  const sent: { frame: Frame; atMs: number }[] = [];
  const lost: unknown[] = [];
  const channel = {
    ...memoryProgress(),
    publish: async (frame: Frame) => void sent.push({ frame, atMs: clock.monotonicMs() }),
  };
  const reporter = progressReporter({ run, channel, clock, onLost: (cause) => lost.push(cause) });
  return { clock, channel, reporter, lost, sent, frames: () => sent.map(({ frame }) => frame) };
}

describe('frames of a run in flight', () => {
  it('say whose they are, and what was reported', async () => {
    const test = reporting();
    test.reporter.report({ pct: 12, stage: 'bronze', done: 3, total: 9, unit: 'rows', message: 'reading' });
    await test.reporter.flush();
    expect(test.frames()).toEqual([
      {
        v: 1,
        run_id: 'run-1',
        fence: 3,
        seq: 1,
        ts: '2026-01-05T12:00:00.000Z',
        state: 'running',
        pct: 12,
        stage: 'bronze',
        done: 3,
        total: 9,
        unit: 'rows',
        message: 'reading',
      },
    ]);
  });

  it('are at most four a second; what lies between is merged, and the latest word arrives by itself', async () => {
    const test = reporting();
    for (let step = 0; step <= 100; step += 1) {
      test.reporter.report(step % 2 ? { done: step } : { stage: `stage ${step}` });
      if (step < 100) await test.clock.advance(10);
    }
    expect(test.sent.map(({ atMs }) => atMs)).toEqual([0, 250, 500, 750, 1000]);
    expect(test.frames()[1]).toMatchObject({ done: 23, stage: 'stage 24' });
    test.reporter.report({ message: 'last word' });
    await test.clock.advance(10_000);
    expect(test.frames().at(-1)).toMatchObject({ message: 'last word', seq: 6 });
  });

  it('are counted, and the last word is sent, by the flush at the end; nothing comes after it', async () => {
    const test = reporting();
    test.reporter.report({ done: 1 });
    test.reporter.report({ done: 2 });
    expect(await test.reporter.flush()).toBe(2);
    expect(test.frames().map((frame) => [frame.seq, frame.done])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    test.reporter.report({ done: 3 });
    await test.clock.advance(1000);
    expect(test.frames()).toHaveLength(2);
    expect(await reporting().reporter.flush()).toBe(0);
  });

  it('are published in order, however long one takes', async () => {
    const test = reporting();
    const order: number[] = [];
    let release: () => void = () => undefined;
    test.channel.publish = async (frame) => {
      if (frame.seq === 1) await new Promise<void>((resolve) => (release = resolve));
      order.push(frame.seq);
    };
    test.reporter.report({ done: 1 });
    await test.clock.advance(300);
    test.reporter.report({ done: 2 });
    await test.clock.advance(300);
    expect(order).toEqual([]);
    release();
    await test.reporter.flush();
    expect(order).toEqual([1, 2]);
  });

  it('may be lost without a word to the task, and those after them still come', async () => {
    const test = reporting();
    const publish = test.channel.publish;
    test.channel.publish = () => Promise.reject(new Error('redis away'));
    test.reporter.report({ done: 1 });
    await test.clock.advance(300);
    test.channel.publish = publish;
    test.reporter.report({ done: 2 });
    expect(await test.reporter.flush()).toBe(2);
    expect(test.lost).toHaveLength(1);
    expect(test.frames().map((frame) => frame.seq)).toEqual([2]);
  });

  it('never go back in pct, never leave 0 to 100, and number densely, whatever is reported when', async () => {
    const report = fc.record<ProgressReport>(
      {
        pct: fc.oneof(fc.integer({ min: -50, max: 150 }), fc.constantFrom(Number.NaN, Infinity, -Infinity)),
        done: fc.nat(),
        stage: fc.string(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(report, fc.nat({ max: 600 })), { maxLength: 30 }), async (reports) => {
        const test = reporting();
        for (const [said, waitMs] of reports) {
          test.reporter.report(said);
          await test.clock.advance(waitMs);
        }
        expect(await test.reporter.flush()).toBe(test.sent.length);
        expect(test.frames().map((frame) => frame.seq)).toEqual(test.sent.map((_, index) => index + 1));
        const percents = test.frames().flatMap((frame) => (frame.pct === undefined ? [] : [frame.pct]));
        expect(percents.every((pct) => pct >= 0 && pct <= 100)).toBe(true);
        expect(percents).toEqual(percents.toSorted((one, other) => one - other));
        // All but the flush keep their distance.
        const gaps = test.sent.slice(1, -1).map(({ atMs }, index) => atMs - test.sent[index]!.atMs);
        expect(gaps.every((gap) => gap >= 250)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the terminal frame', () => {
  it('is made from the row by any reader: the one after those its owner sent', () => {
    const row = runRow({ state: 'succeeded', fence: 2, frames: 7, settledMs: Date.UTC(2026, 0, 1) });
    expect(terminalFrame(row)).toEqual({
      v: 1,
      run_id: row.id,
      fence: 2,
      seq: 8,
      ts: '2026-01-01T00:00:00.000Z',
      state: 'succeeded',
      pct: 100,
    });
  });

  it('carries the reason of a failure, and no 100 per cent', () => {
    const frame = terminalFrame(runRow({ state: 'failed', outcome: { code: 'INPUT_INVALID', message: 'no close' } }));
    expect(frame).toMatchObject({ state: 'failed', message: 'no close', seq: 1 });
    expect(frame).not.toHaveProperty('pct');
  });

  it.each(runStates)('%s: only terminal runs have one', (state) => {
    if (isTerminal(state)) expect(terminalFrame(runRow({ state })).state).toBe(state);
    else expect(() => terminalFrame(runRow({ state }))).toThrow(`is ${state}: only a terminal run`);
  });
});

describe('through the pipeline', () => {
  it('there is one terminal frame, last in order, after frames that number densely', async () => {
    const plane = memoryPlane();
    const { run: asked } = await ask(plane);
    const bodies = pulls(async (_, context) => {
      for (let step = 1; step <= 10; step += 1) {
        context.progress({ pct: step * 10 });
        await plane.clock.sleep(130);
      }
      context.progress({ message: 'nearly there' });
      return pullResult;
    });
    await drive(plane, deliver(plane, 'ingestion', { bodies }), 10);
    const frames = await plane.progress.read(asked.id);
    expect(frames.map((frame) => frame.seq)).toEqual(frames.map((_, index) => index + 1));
    expect(frames.filter((frame) => isTerminal(frame.state))).toHaveLength(1);
    expect(frames.at(-1)).toMatchObject({ state: 'succeeded', pct: 100 });
    expect(frames.at(-2)).toMatchObject({ message: 'nearly there' });
    expect((await rowOf(plane, asked.id)).frames).toBe(frames.length - 1);
  });

  it('frames that are lost fail nothing; the log says so, and the terminal one is left for the reaper', async () => {
    const plane = memoryPlane();
    const { run: asked } = await ask(plane);
    plane.progress.publish = () => Promise.reject(new Error('redis away'));
    await deliver(plane, 'ingestion', {
      bodies: pulls(async (_, context) => {
        context.progress({ pct: 50 });
        return pullResult;
      }),
    });
    expect(await rowOf(plane, asked.id)).toMatchObject({ state: 'succeeded', frames: 1, outbox: ['frame', 'event'] });
    expect(plane.log.lines.map(({ line }) => line)).toEqual(
      expect.arrayContaining([logLines.frameLost, logLines.outboxLeft]),
    );
  });

  it('a body that was left behind reports nothing after the terminal frame', async () => {
    const plane = memoryPlane();
    const { run: asked } = await ask(plane);
    const bodies = pulls(async (_, context) => {
      await plane.clock.sleep(900_000);
      context.progress({ message: 'too late' });
      return pullResult;
    });
    await drive(plane, deliver(plane, 'ingestion', { bodies }), 1000);
    const before = await plane.progress.read(asked.id);
    await plane.clock.advance(1_000_000);
    expect(await plane.progress.read(asked.id)).toEqual(before);
  });
});
