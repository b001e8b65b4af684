import type * as z from 'zod';
import { logLines } from '#core/catalogue/metrics.ts';
import { redact } from '#core/redact.ts';
import type { Setting } from './operation.ts';
import type { readiness } from './schemas/about.ts';

type Readiness = z.output<typeof readiness>;

/** Whoever looks often is told what was found a moment ago: anybody may ask, and each look costs eight requests. */
const freshMs = 2000;
const patienceMs = 2000;
const looks = new WeakMap<Setting, { atMs: number; found: Promise<Readiness> }>();

export function readinessOf(setting: Setting): Promise<Readiness> {
  const nowMs = setting.options.realNowMs();
  const last = looks.get(setting);
  if (last && Math.abs(nowMs - last.atMs) < freshMs) return last.found;
  const found = look(setting);
  looks.set(setting, { atMs: nowMs, found });
  return found;
}

/** What answering requests needs. Whether it answers is said, and never why it does not: the log has that. */
const needs: Readonly<Record<string, (setting: Setting) => Promise<unknown>>> = {
  ledger: ({ ports }) => ports.ledger.read('00000000-0000-4000-8000-000000000000'),
  control: ({ ports }) => ports.control.read('kill-switch'),
  redis: ({ ports }) => ports.key.read(),
  queues: ({ ports }) => ports.queues.depth('ingestion', 'queue'),
  bucket: ({ ports }) => ports.artefacts.stat('status/status.json'),
  audit: ({ ports }) => ports.auditLog.page({ of: { subject: 'kill-switch' }, limit: 1 }),
  identity: async ({ options }) => {
    const issuers = await options.identity.ready();
    // One that is away fails its own tokens alone: some must be left.
    if (!issuers.some(({ ok }) => ok)) throw new Error('no issuer can be asked');
  },
};

async function look(setting: Setting): Promise<Readiness> {
  const checks = await Promise.all(Object.entries(needs).map(([name, ask]) => check(setting, name, ask)));
  return { status: checks.every(({ ok }) => ok) ? 'ready' : 'not-ready', checks };
}

async function check(setting: Setting, name: string, ask: (setting: Setting) => Promise<unknown>) {
  const { realNowMs } = setting.options;
  const beganMs = realNowMs();
  const over = new AbortController();
  const late = setting.ports.clock.sleep(patienceMs, over.signal).then(() => {
    throw new Error(`${name} did not answer within ${patienceMs} ms`);
  });
  const [answer] = await Promise.allSettled([Promise.race([ask(setting), late])]);
  over.abort();
  if (answer.status === 'rejected') {
    setting.ports.log.warn(logLines.notReady, { what: name, error: redact(answer.reason) });
  }
  return { name, ok: answer.status === 'fulfilled', ms: Math.max(0, realNowMs() - beganMs) };
}
