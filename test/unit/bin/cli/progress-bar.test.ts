import { expect, test } from 'vitest';
import type { Output } from '#bin/cli/output.ts';
import { bar, progressView } from '#bin/cli/progress-bar.ts';
import type { Frame } from '#core/progress.ts';

const frame = (seq: number, also: Partial<Frame> = {}) => ({
  type: 'frame' as const,
  frame: { v: 1 as const, run_id: 'r', fence: 1, seq, ts: '2026-01-05T00:00:00Z', state: 'running' as const, ...also },
});

function view(isTTY: boolean | undefined) {
  const written: string[] = [];
  const lines: unknown[] = [];
  let nowMs = 0;
  const screen = { isTTY, columns: 80, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  const out: Output = {
    json: isTTY === undefined,
    screen: isTTY === undefined ? undefined : screen,
    answer: () => undefined,
    note: () => undefined,
    line: (document) => void lines.push(document),
    paint: (_, text) => text,
  };
  return { ...progressView(out, () => nowMs), written, lines, pass: (ms: number) => (nowMs += ms) };
}

test.each([
  [0, '[------------------------]   0 %'],
  [50, '[############------------]  50 %'],
  [100, '[########################] 100 %'],
])('%d %% is drawn', (pct, drawn) => expect(bar(pct)).toBe(drawn));

test('on a terminal one line is drawn anew: bar, stage, done of total and its unit, time left', () => {
  const { show, end, written } = view(true);
  show(frame(1, { pct: 25, stage: 'bronze', done: 25, total: 100, unit: 'rows', eta_s: 90 }));
  end();
  expect(written).toEqual(['\r\u001b[2K[######------------------]  25 %  bronze  25/100 rows  ETA 2 min', '\n']);
});

test('a run that says no time left has it estimated from its pace, anew with each attempt', () => {
  const { show, written, pass } = view(true);
  show(frame(1, { pct: 10 }));
  pass(10_000);
  show(frame(2, { pct: 30 }));
  expect(written.at(-1)).toContain('ETA 35 s');
  show({ ...frame(1, { pct: 5, fence: 2 }) });
  expect(written.at(-1)).not.toContain('ETA');
});

test('a line is no longer than the terminal, so that drawing anew leaves nothing behind', () => {
  const { show, written } = view(true);
  show(frame(1, { pct: 5, message: 'x'.repeat(500) }));
  expect(written[0]?.replace('\r\u001b[2K', '')).toHaveLength(79);
});

test('where nobody redraws, a line is written when the stage changes, a tenth is done or ten seconds have passed', () => {
  const { show, written, pass } = view(false);
  show(frame(1, { pct: 1, stage: 'a' }));
  show(frame(2, { pct: 2, stage: 'a' }));
  show(frame(3, { pct: 12, stage: 'a' }));
  show(frame(4, { pct: 13, stage: 'b' }));
  show(frame(5, { pct: 14, stage: 'b' }));
  pass(10_000);
  show(frame(6, { pct: 15, stage: 'b' }));
  expect(written.map((line) => /(\d+) %/.exec(line)?.[1])).toEqual(['1', '12', '13', '15']);
  expect(written.join('')).not.toContain('\u001b');
});

test('with --json each frame is a line, and nothing else', () => {
  const { show, end, lines, written } = view(undefined);
  show(frame(1, { pct: 1 }));
  show({ type: 'state', state: 'held' });
  end();
  expect(lines).toEqual([frame(1, { pct: 1 }), { type: 'state', state: 'held' }]);
  expect(written).toEqual([]);
});
