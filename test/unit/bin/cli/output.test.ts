import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { expect, onTestFinished, test } from 'vitest';
import { createOutput, facts, plain, plainLines, table } from '#bin/cli/output.ts';
import { secondsText, sizeText } from '#bin/cli/words.ts';

/** Streams as a process has them; those of a terminal judge by its variables, as Node's own do. */
function streams(isTerminal = false) {
  const tty = { isTTY: true, getColorDepth: () => WriteStream.prototype.getColorDepth(process.env) };
  const made = () => Object.assign(new PassThrough(), isTerminal ? tty : {}) as unknown as NodeJS.WriteStream;
  const [stdout, stderr] = [made(), made()];
  return { stdout, stderr, said: () => [stdout.read()?.toString() ?? '', stderr.read()?.toString() ?? ''] };
}

/** A terminal that has colours, and nothing said about them. */
function colourful(): void {
  const before = { ...process.env };
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI', 'TMUX']) delete process.env[name];
  process.env['TERM'] = 'xterm-256color';
  onTestFinished(() => {
    process.env = before;
  });
}

test('answers go to stdout and what is said to a person to stderr; with --json nothing is said', () => {
  const text = streams();
  const out = createOutput(false, text);
  out.answer({ a: 1 }, 'one');
  out.note('next');
  expect(text.said()).toEqual(['one\n', 'next\n']);
  const json = streams();
  const machine = createOutput(true, json);
  machine.answer({ a: 1 }, 'one');
  machine.note('next');
  expect(json.said()).toEqual(['{"a":1}\n', '']);
  expect(machine.screen).toBeUndefined();
});

test('colours are for terminals, and for those alone who want them', () => {
  colourful();
  expect(createOutput(false, streams()).paint('red', 'x')).toBe('x');
  expect(createOutput(false, streams(true)).paint('red', 'x')).toBe('\u001b[31mx\u001b[39m');
  process.env['NO_COLOR'] = '1';
  expect(createOutput(false, streams(true)).paint('red', 'x')).toBe('x');
});

test('words of others neither move the cursor, nor recolour, nor turn the reading around', () => {
  expect(plain('\u001b[2J\u001b[31mred\u001b[0m\u0007\r\n\tnext\u202E')).toBe('red� next�');
  expect(plainLines('one\ntwo\u001b[2K')).toBe('one\ntwo');
});

test('a table is as wide as what stands in it, and names what is missing', () => {
  const paint = (_: unknown, text: string) => text;
  expect(
    table(
      { paint },
      ['NAME', 'N'],
      [
        ['long name', 1],
        ['b', undefined],
      ],
    ),
  ).toBe('NAME       N\nlong name  1\nb          -');
  expect(facts({ paint }, { a: 1, bc: 'two', none: undefined })).toBe('a   1\nbc  two');
});

test.each([
  [0, '0 B'],
  [929, '929 B'],
  [1536, '1.5 KiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
])('%d bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));
test.each([
  [0.125, '0.1 s'],
  [59, '59 s'],
  [90, '2 min'],
  [7260, '2 h 1 min'],
  [200_000, '2 d'],
])('%d seconds are %s', (seconds, text) => expect(secondsText(seconds)).toBe(text));
