// Secrets of every shape, planted wherever somebody or something could bring one in, and looked for in all that is written:
// rows, records, messages, letters, objects, frames, events, the audit, the log, and what callers are answered.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { auditWriter } from '#core/audit-writer.ts';
import { Failure } from '#core/errors.ts';
import type { AnyBody } from '#core/task.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import type { MemoryPlane } from '#memory/plane.ts';
import { sha256 } from '#runtime/hash.ts';
import { secretTexts, type Planted } from '#test/unit/core/secrets-support.ts';
import { ask, deliver, drive, pullResult, pulls } from '#test/unit/core/support.ts';
import { said, speakingPlane } from '#test/unit/runtime/support.ts';
import { gateway, pull, type Asked } from './support.ts';

/** Every call by which something leaves the plane, as text. */
const writing: Readonly<Record<string, readonly string[]>> = {
  ledger: ['create', 'replace'],
  control: ['write'],
  queues: ['send', 'deadLetter'],
  artefacts: ['put'],
  progress: ['publish'],
  lifecycle: ['emit'],
};

/** A plane of which each write is kept, with the audit's own writer. */
function watched() {
  const plane = speakingPlane();
  const auditLog = memoryAuditLog();
  const written: string[] = [];
  const audit = auditWriter({ log: auditLog, clock: plane.clock, hash: sha256, owner: plane.owner });
  for (const [port, methods] of Object.entries(writing)) {
    const of = plane[port as keyof MemoryPlane] as unknown as Record<string, (...values: unknown[]) => unknown>;
    for (const method of methods) {
      const write = of[method]!;
      of[method] = (...values) => {
        written.push(
          values.map((one) => (one instanceof Uint8Array ? new TextDecoder().decode(one) : JSON.stringify(one))).join(),
        );
        return write(...values);
      };
    }
  }
  return { plane: { ...plane, audit } as unknown as MemoryPlane, auditLog, written };
}

/** As what is thrown somewhere below may have it: in its message, in a cause of a cause, in what hangs on it. */
const thrown = (text: string): Error =>
  Object.assign(new Error(`could not connect: ${text}`, { cause: new AggregateError([new Error(text)], text) }), {
    config: { headers: { authorization: text } },
  });

const bodies: readonly ((text: string) => AnyBody)[] = [
  (text) => async () => {
    throw thrown(text);
  },
  (text) => async () => {
    throw new Failure('INPUT_INVALID', `the file says ${text}`, { cause: thrown(text) });
  },
  (text) => async (_, context) => {
    context.progress({ stage: text, message: text, unit: text, pct: 5 });
    await context.checkpoint({ at: text });
    return { ...pullResult, manifestKey: text };
  },
];

/** Asks the doors with the secret in every place that a request has. */
async function askEverywhere(plane: MemoryPlane, text: string): Promise<Asked[]> {
  const at = gateway({ plane });
  const headers = {
    'idempotency-key': text.replaceAll(/[^\x20-\x7E]/g, ' '),
    'x-forwarded-for': 'x',
    cookie: encodeURIComponent(text),
  };
  const event = {
    type: 'run.succeeded',
    timestamp: '2026-01-05T12:00:00.000Z',
    data: { note: text, nested: [{ deep: text }] },
  };
  const delivery = { url: 'https://hooks.example/x', secret: 'webhooks/acme', event };
  const { run } = await ask(plane);
  const answers = [
    await at.post('/runs', 'bot', { task: 'callback.deliver', payload: delivery }),
    await at.post('/runs', 'rita', { ...pull, [text]: 1 }),
    await at.post('/runs', 'rita', { ...pull, payload: { ...pull.payload, dataset: text } }),
    await at.post('/runs', 'rita', {
      ...pull,
      callback: { url: `https://hooks.example/?x=${encodeURIComponent(text)}`, secret: 'webhooks/a' },
    }),
    await at.post('/backtests', 'rita', { data: { path: text }, strategy: { name: text, params: { [text]: text } } }),
    await at.ask('POST', '/runs', { as: 'rita', body: pull, headers }),
    await at.get(`/runs/${encodeURIComponent(text)}`),
    await at.get(`/runs?actor=${encodeURIComponent(text)}`),
    await at.get(`/${encodeURIComponent(text)}?q=${encodeURIComponent(text)}`),
    await at.post(`/runs/${run.id}/cancel`, 'rita', { reason: text.slice(0, 300) }),
    await at.ask('POST', '/runs', { as: 'rita', raw: `{"task": "${text}` }),
  ];
  const failing = gateway({ plane, ports: { ledger: { ...plane.ledger, read: () => Promise.reject(thrown(text)) } } });
  return [...answers, await failing.get(`/runs/${run.id}`)];
}

async function everythingWritten(text: string): Promise<string> {
  const { plane, auditLog, written } = watched();
  let answers: Asked[] = [];
  const { text: log } = await said(async () => {
    answers = await askEverywhere(plane, text);
    for (const body of bodies) {
      await ask(plane);
      await drive(plane, deliver(plane, 'ingestion', { bodies: pulls(body(text)) }));
    }
  });
  const told = answers.map((answer) => `${answer.text} ${JSON.stringify([...answer.headers])}`);
  return [log, ...written, ...told, JSON.stringify([...auditLog.rows.values()])].join('\n');
}

const escaped = (secret: string): string => JSON.stringify(secret).slice(1, -1);

it('no secret is left anywhere, whichever it is and wherever it comes from', async () => {
  const shapes = fc.constantFrom<Planted>(...Object.values(secretTexts));
  await fc.assert(
    fc.asyncProperty(shapes, fc.constantFrom('', 'x ', '\n'), async ({ text, secret }, around) => {
      const all = await everythingWritten(`${around}${text}`);
      for (const one of [secret, escaped(secret), encodeURIComponent(secret)]) expect(all).not.toContain(one);
    }),
    { numRuns: 60 },
  );
}, 60_000);

it('the same search finds what is no secret: it looks in the right places', async () => {
  const all = await everythingWritten('a plain word: kingfisher');
  expect(all.match(/kingfisher/g)?.length).toBeGreaterThan(10);
});
