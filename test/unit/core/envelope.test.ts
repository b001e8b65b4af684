import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '#core/catalogue/limits.ts';
import { queueNames, type QueueName } from '#core/catalogue/queues.ts';
import { taskNames, taskContract } from '#core/catalogue/tasks.ts';
import { describeIssues, parseMessage, pointerBody, type Pointer } from '#core/envelope.ts';
import { Failure, type FailureCode } from '#core/errors.ts';
import * as z from 'zod';
import { failureOf } from './support.ts';

const pointer: Pointer = {
  v: 1,
  run: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  generation: 1,
  send: 1,
  tenant: 'acme',
  cell: 'dev',
  queue: 'ingestion',
  task: 'ingest.pull',
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  hops: 0,
};
const tick = { v: 1, schedule: 'killswitch-heartbeat', slot: '2026-11-21T12:00:00Z' };
const without = (field: keyof Pointer): object =>
  Object.fromEntries(Object.entries(pointer).filter(([k]) => k !== field));
const refused = (message: unknown, queue: QueueName = 'ingestion'): Failure =>
  failureOf(() => parseMessage(typeof message === 'string' ? message : JSON.stringify(message), queue));

describe('a message that is one of ours', () => {
  it('is a pointer', () => {
    expect(parseMessage(JSON.stringify(pointer), 'ingestion')).toEqual({ kind: 'pointer', pointer });
  });

  it('is a tick, whose slot becomes milliseconds', () => {
    expect(parseMessage(JSON.stringify(tick), 'system')).toEqual({
      kind: 'tick',
      tick: { v: 1, schedule: 'killswitch-heartbeat', slotMs: Date.UTC(2026, 10, 21, 12) },
    });
  });

  it('may be as long as the limit, and hop as often', () => {
    const body = JSON.stringify({ ...pointer, hops: limits.maximumHops });
    expect(parseMessage(body.padEnd(limits.messageBytes), 'ingestion').kind).toBe('pointer');
  });
});

type Bad = [name: string, message: unknown, code: FailureCode, words: string | RegExp, queue?: QueueName];
const bad: Bad[] = [
  ['not JSON', 'hello', 'MESSAGE_MALFORMED', 'it is not JSON: "hello"'],
  ['empty', '', 'MESSAGE_MALFORMED', 'it is not JSON: ""'],
  ['cut off', JSON.stringify(pointer).slice(0, 60), 'MESSAGE_MALFORMED', 'it is not JSON: "{'],
  ['an array', [pointer], 'MESSAGE_MALFORMED', 'not an object'],
  ['null', null, 'MESSAGE_MALFORMED', 'not an object'],
  ['a number', 7, 'MESSAGE_MALFORMED', 'not an object'],
  ['an empty object', {}, 'MESSAGE_MALFORMED', 'its version is undefined; this release reads 1'],
  ['too long', { ...pointer, tenant: 'x'.repeat(4096) }, 'MESSAGE_MALFORMED', /is \d+ bytes long, more than the 4096/],
  ['too long in bytes, not in characters', `"${'é'.repeat(2048)}"`, 'MESSAGE_MALFORMED', 'it is 4098 bytes long'],
  ['an unknown field', { ...pointer, priority: 9 }, 'MESSAGE_MALFORMED', '"priority"'],
  ['a tick with a payload', { ...tick, payload: {} }, 'MESSAGE_MALFORMED', '"payload"', 'system'],
  ['pointer and tick at once', { ...pointer, ...tick }, 'MESSAGE_MALFORMED', /"run"/, 'system'],
  ['a missing field', without('traceparent'), 'MESSAGE_MALFORMED', 'traceparent:'],
  ['an older version', { ...pointer, v: 0 }, 'MESSAGE_MALFORMED', 'its version is 0; this release reads 1'],
  ['a version in words', { ...pointer, v: '1' }, 'MESSAGE_MALFORMED', 'its version is "1"'],
  ['a broken version', { ...pointer, v: 1.5 }, 'MESSAGE_MALFORMED', 'its version is 1.5'],
  ['no version', without('v'), 'MESSAGE_MALFORMED', 'its version is undefined'],
  ['a newer version', { v: 2, anything: true }, 'MESSAGE_VERSION_NEWER', 'version 2, newer than the 1 known here'],
  ['an unknown task', { ...pointer, task: 'ingest.push' }, 'TASK_UNKNOWN', '"ingest.push"'],
  ['a task named like a method', { ...pointer, task: 'toString' }, 'TASK_UNKNOWN', '"toString"'],
  ['an unknown queue', { ...pointer, queue: 'celery' }, 'MESSAGE_MALFORMED', 'names "celery"'],
  ['a queue named like a method', { ...pointer, queue: 'constructor' }, 'MESSAGE_MALFORMED', 'names "constructor"'],
  ['a queue it did not arrive on', { ...pointer, queue: 'system' }, 'MESSAGE_MALFORMED', 'names "system"'],
  ['another queue than it arrived on', pointer, 'MESSAGE_MALFORMED', 'arrived on the queue system', 'system'],
  [
    'the wrong queue for its task',
    { ...pointer, queue: 'system' },
    'MESSAGE_MALFORMED',
    'the task ingest.pull',
    'system',
  ],
  ['a tenant that is too long', { ...pointer, tenant: 't'.repeat(65) }, 'MESSAGE_MALFORMED', /tenant: .*64/],
  ['an empty cell', { ...pointer, cell: '' }, 'MESSAGE_MALFORMED', 'cell:'],
  ['a run that is no uuid', { ...pointer, run: 'run-1' }, 'MESSAGE_MALFORMED', 'run:'],
  ['generation zero', { ...pointer, generation: 0 }, 'MESSAGE_MALFORMED', 'generation:'],
  ['half a send', { ...pointer, send: 1.5 }, 'MESSAGE_MALFORMED', 'send:'],
  ['a foreign trace', { ...pointer, traceparent: 'abc' }, 'MESSAGE_MALFORMED', 'traceparent: is not a W3C traceparent'],
  ['negative hops', { ...pointer, hops: -1 }, 'MESSAGE_MALFORMED', 'hops:'],
  ['too many hops', { ...pointer, hops: 33 }, 'HOPS_EXCEEDED', '33 hops, more than the 32 allowed'],
  ['a tick of nobody', { ...tick, schedule: 'beat-it' }, 'SCHEDULE_UNKNOWN', '"beat-it"', 'system'],
  ['a schedule named like a method', { ...tick, schedule: 'valueOf' }, 'SCHEDULE_UNKNOWN', '"valueOf"', 'system'],
  ['a tick on another queue', tick, 'TICK_MISPLACED', '"killswitch-heartbeat" arrived on the queue ingestion'],
  ['a slot in words', { ...tick, slot: 'noon' }, 'MESSAGE_MALFORMED', 'slot:', 'system'],
  ['a slot as a number', { ...tick, slot: 1_795_000_000 }, 'MESSAGE_MALFORMED', 'slot:', 'system'],
  ['a slot on no day', { ...tick, slot: '2026-02-30T12:00:00Z' }, 'MESSAGE_MALFORMED', 'slot:', 'system'],
  ['a slot with an offset', { ...tick, slot: '2026-11-21T12:00:00+01:00' }, 'MESSAGE_MALFORMED', 'slot:', 'system'],
  [
    'a slot that was not filled in',
    { ...tick, slot: '<aws.scheduler.scheduled-time>' },
    'MESSAGE_MALFORMED',
    'slot:',
    'system',
  ],
];

describe('a message that is not', () => {
  it.each(bad)('%s: %j is refused with %s', (...[, message, code, words, queue]) => {
    const failure = refused(message, queue);
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(words);
    expect(failure.message.length).toBeLessThan(500);
  });

  it('is handed back, not rejected, when a newer release wrote it; everything else goes to the dead letters', () => {
    for (const [, message, code, , queue] of bad) {
      expect(refused(message, queue).disposition).toBe(code === 'MESSAGE_VERSION_NEWER' ? 'retry' : 'reject');
    }
  });

  it('names a few of its faults and counts the rest', () => {
    const failure = refused({ v: 1, a: 1, b: 2, run: 3, generation: 'x', send: 'y', tenant: 4, cell: 5 });
    expect(failure.message).toMatch(/^the message is not one of ours: run: .*; generation: .*; and \d+ more$/);
  });

  it('with hundreds of unknown fields is refused in a message of bounded length', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, 1]));
    const failure = refused({ ...pointer, ...many });
    expect(failure.code).toBe('MESSAGE_MALFORMED');
    expect(failure.message.length).toBeLessThanOrEqual(1000);
  });

  it('keeps the reason of the parser as its cause', () => {
    expect(refused('{').cause).toBeInstanceOf(SyntaxError);
  });
});

/** What SQS takes as text: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const sendable = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const anyQueue = fc.constantFrom(...queueNames);
const anyField = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constantFrom(...Object.values(pointer)));
const nearly = fc
  .tuple(
    fc.constantFrom<object>(pointer, tick),
    fc.dictionary(fc.constantFrom(...Object.keys({ ...pointer, ...tick }), 'x', '__proto__', '\u0001'), anyField),
  )
  .map(([base, over]) => JSON.stringify({ ...base, ...over }));

describe('any text at all', () => {
  it('is a message or a Failure that is not INTERNAL, and whose reason a dead letter can carry', () => {
    const anyBody = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), nearly);
    fc.assert(
      fc.property(anyBody, anyQueue, (body, queue) => {
        try {
          expect(['pointer', 'tick']).toContain(parseMessage(body, queue).kind);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Failure);
          expect((thrown as Failure).code).not.toBe('INTERNAL');
          expect((thrown as Failure).message).toMatch(sendable);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a pointer is read back as it was written', () => {
    const name = fc.string({ minLength: 1, maxLength: 64 });
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: length, maxLength: length });
    const anyPointer = fc
      .record({
        v: fc.constant(1 as const),
        run: fc.uuid(),
        generation: fc.integer({ min: 1 }),
        send: fc.integer({ min: 1 }),
        tenant: name,
        cell: name,
        task: fc.constantFrom(...taskNames),
        traceparent: fc.tuple(hex(32), hex(16), hex(2)).map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`),
        hops: fc.integer({ min: 0, max: limits.maximumHops }),
      })
      .map((some): Pointer => ({ ...some, queue: taskContract(some.task).queue }));
    fc.assert(
      fc.property(anyPointer, (written) => {
        expect(parseMessage(pointerBody(written), written.queue)).toEqual({ kind: 'pointer', pointer: written });
      }),
    );
  });
});

it('issues are told by path, and those at the top as "it"', () => {
  const schema = z.strictObject({ rows: z.array(z.int()) });
  const said = (value: unknown) => describeIssues(schema.safeParse(value).error!);
  expect(said({ rows: [1, 'x'] })).toMatch(/^rows\.1: /);
  expect(said(3)).toMatch(/^it: /);
});
