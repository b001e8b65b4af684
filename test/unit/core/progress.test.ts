import { expect, test } from 'vitest';
import { progressReporter, type Frame } from '#core/progress.ts';
import { memoryClock } from '#memory/clock.ts';

function reporting() {
  const clock = memoryClock();
  const sent: Frame[] = [];
  const channel = { publish: async (frame: Frame) => void sent.push(frame), read: async () => sent };
  const reporter = progressReporter({ run: { id: 'r', fence: 3 }, channel, clock, onLost: () => undefined });
  return { clock, sent, reporter, stages: () => sent.map(({ stage }) => stage) };
}

test('the latest word reaches a watcher within the gap, though the task reports nothing more', async () => {
  const { clock, reporter, stages } = reporting();
  for (const stage of ['one', 'two', 'three']) reporter.report({ stage });
  await clock.advance(249);
  expect(stages()).toEqual(['one']);
  await clock.advance(1);
  expect(stages()).toEqual(['one', 'three']);
});

test('four frames a second at most, dense from 1, merged, and never a falling percentage', async () => {
  const { clock, sent, reporter } = reporting();
  for (let n = 0; n < 100; n += 1) {
    reporter.report(n % 2 === 0 ? { pct: 100 - n } : { done: n });
    await clock.advance(10);
  }
  expect(await reporter.flush()).toBe(sent.length);
  expect(sent.length).toBeLessThanOrEqual(5);
  expect(sent.map(({ seq }) => seq)).toEqual(sent.map((_, n) => n + 1));
  expect(sent.map(({ pct }) => pct)).toEqual(sent.map(() => 100));
  expect(sent.at(-1)).toMatchObject({ done: 99, run_id: 'r', fence: 3, state: 'running' });
});

test('after the flush nothing is sent any more: the terminal frame is the last', async () => {
  const { clock, reporter, stages } = reporting();
  reporter.report({ stage: 'first' });
  reporter.report({ stage: 'pending' });
  expect(await reporter.flush()).toBe(2);
  reporter.report({ stage: 'of a body that was left behind' });
  await clock.advance(1000);
  expect(await reporter.flush()).toBe(2);
  expect(stages()).toEqual(['first', 'pending']);
});
