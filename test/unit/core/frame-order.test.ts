import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  after,
  beginning,
  comparePositions,
  isNext,
  parsePosition,
  piecesBeyond,
  positionText,
  type Position,
} from '#core/frame-order.ts';
import { lastOf, messagesBeyond } from '#core/frame-messages.ts';
import type { Frame } from '#core/progress.ts';
import { frameOf } from '#test/contract/progress.contract.ts';

const at = (text: string): Position => parsePosition(text, 0)!;
const frames = (...texts: string[]): Frame[] => texts.map((text) => frameOf('run-1', [at(text).fence, at(text).seq]));
/** `1.2 gap:1.5 1.5`, as a reader hears it. */
const heard = (from: string, ...texts: string[]): string =>
  piecesBeyond(at(from), frames(...texts))
    .map((piece) =>
      piece.kind === 'gap' ? `gap:${positionText(piece.oldest)}` : piece.frames.map(positionText).join(' '),
    )
    .join(' ');

const positions = fc.record({ fence: fc.nat(5), seq: fc.nat(8) });

describe('a position', () => {
  it.each([
    ['3.17', { fence: 3, seq: 17 }],
    ['0.0', beginning],
    ['17', { fence: 9, seq: 17 }],
    ['0', { fence: 9, seq: 0 }],
  ])('%j is read', (text, position) => expect(parsePosition(text, 9)).toEqual(position));

  it.each(['', '.', '1.', '.1', '-1.2', '1.2.3', '1e3', ' 1.2', '1.2\n', '0x1', '1234567890.1', '1.1234567890', '٣.١'])(
    '%j is none',
    (text) => expect(parsePosition(text, 9)).toBeUndefined(),
  );

  it('is written as it is read', () =>
    fc.assert(
      fc.property(positions, (one) => {
        expect(parsePosition(positionText(one), 99)).toEqual(one);
      }),
    ));

  it('comes before, after or is another one, and what is next lies beyond', () =>
    fc.assert(
      fc.property(positions, positions, (one, other) => {
        expect(Math.sign(comparePositions(one, other))).toBe(-Math.sign(comparePositions(other, one)) || 0);
        expect(comparePositions(one, other) === 0).toBe(positionText(one) === positionText(other));
        expect(after(one)(other)).toBe(comparePositions(other, one) > 0);
        if (isNext(one, other)) expect(after(one)(other)).toBe(true);
      }),
    ));
});

describe('what lies beyond a position', () => {
  it.each([
    ['from the beginning', '0.0', ['1.1', '1.2'], '1.1 1.2'],
    ['from the middle', '1.1', ['1.1', '1.2', '1.3'], '1.2 1.3'],
    ['nothing', '1.3', ['1.1', '1.2', '1.3'], ''],
    ['of a run that was never begun', '0.0', ['0.1'], '0.1'],
    ['in whatever order and however often it comes', '1.1', ['1.3', '1.2', '1.3', '1.1', '1.2'], '1.2 1.3'],
    ['of the newest fence alone', '1.1', ['1.2', '2.1', '1.3', '2.2'], '2.1 2.2'],
    ['of a fence several claims later', '1.9', ['4.1'], '4.1'],
    ['nothing of an older fence', '2.1', ['1.7', '1.8'], ''],
    ['behind what was cut off', '0.0', ['1.5', '1.6'], 'gap:1.5 1.5 1.6'],
    ['of a new fence whose first is cut off', '1.5', ['2.3', '2.4'], 'gap:2.3 2.3 2.4'],
    ['around a frame that was lost', '1.1', ['1.2', '1.4', '1.5', '1.9'], '1.2 gap:1.4 1.4 1.5 gap:1.9 1.9'],
  ])('%s', (...[, from, texts, expected]) => expect(heard(from, ...texts)).toBe(expected));

  it('is, whatever there is, what is next for who takes it, and a gap before what is not', () =>
    fc.assert(
      fc.property(positions, fc.array(positions.filter(({ seq }) => seq > 0)), (from, there) => {
        const newest = Math.max(0, ...there.map(({ fence }) => fence));
        let now = from;
        for (const piece of piecesBeyond(
          from,
          there.map(({ fence, seq }) => frameOf('run-1', [fence, seq])),
        )) {
          if (piece.kind === 'gap') now = { ...piece.oldest, seq: piece.oldest.seq - 1 };
          else expect(piece.frames.length).toBeGreaterThan(0);
          for (const frame of piece.kind === 'frames' ? piece.frames : []) {
            expect(frame.fence).toBe(newest);
            expect(frame.seq === now.seq + 1 || isNext(now, frame)).toBe(true);
            now = frame;
          }
        }
        for (const one of there) if (one.fence === newest) expect(comparePositions(one, now)).toBeLessThanOrEqual(0);
      }),
    ));
});

describe('messages to a socket', () => {
  const bytes = (text: string) => Buffer.byteLength(text);

  it('hold as many frames as fit into 100 KB, each once and in order', () => {
    const many = Array.from({ length: 900 }, (_, n) => frameOf('run-1', [1, n + 1], { message: '→'.repeat(n % 120) }));
    const messages = messagesBeyond('run-1', beginning, many);
    const read = messages.map(({ text }) => JSON.parse(text) as { type: string; run_id: string; frames: Frame[] });
    expect(read.flatMap((message) => message.frames)).toEqual(many);
    for (const { text } of messages) expect(bytes(text)).toBeLessThanOrEqual(100 * 1024);
    for (const { text } of messages.slice(0, -1)) expect(bytes(text)).toBeGreaterThan(99 * 1024);
    for (const { type, run_id } of read) expect([type, run_id]).toEqual(['frames', 'run-1']);
    expect(messages.at(-1)?.position).toEqual({ fence: 1, seq: 900 });
    expect(lastOf(messages)).toEqual(many.at(-1));
  });

  it('shorten a frame that no message could carry', () => {
    const metrics = Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`metric-${n}`, n]));
    const giant = frameOf('run-1', [1, 1], {
      pct: 5,
      metrics,
      message: '\u{1F600}'.repeat(60_000),
      stage: 'x'.repeat(9e4),
    });
    const [{ text } = { text: '' }, ...others] = messagesBeyond('run-1', beginning, [giant]);
    expect(others).toEqual([]);
    expect(bytes(text)).toBeLessThan(10_000);
    const [sent] = (JSON.parse(text) as { frames: Frame[] }).frames;
    expect(sent).toMatchObject({ fence: 1, seq: 1, pct: 5, state: 'running' });
    expect(sent?.message).toBe('\u{1F600}'.repeat(250));
    expect(sent).not.toHaveProperty('metrics');
  });

  it('say a gap, behind which the reader stands before the oldest', () => {
    expect(messagesBeyond('run-1', beginning, frames('2.5'))).toMatchObject([
      { text: '{"type":"gap","run_id":"run-1","oldest":{"fence":2,"seq":5}}', position: { fence: 2, seq: 4 } },
      { position: { fence: 2, seq: 5 } },
    ]);
  });
});
