import { describe, expect, it } from 'vitest';
import type { StatusSample as PlaneSample } from '#core/ports.ts';
import type { StatusSample } from '#engines/status/model.ts';
import { inWords, observe } from '#engines/status/observe.ts';
import { START_MS, queue, sample, slots } from './support.ts';

const seen = (over: Partial<StatusSample>, id: string): string | undefined =>
  observe(sample(0, over)).find((observation) => observation.id === id)?.seen;

describe('what a sample says', () => {
  it('takes the sample of the plane as it is', () => {
    const assignable = (plane: PlaneSample): StatusSample => plane;
    expect(assignable).toBeTypeOf('function');
  });

  it.each([
    ['operational', {}],
    ['operational', { oldestAgeMs: 60_000, depth: { waiting: 100_000, inFlight: 9 } }],
    ['degraded', { oldestAgeMs: 60_001 }],
    ['degraded', { deadLetters: 1 }],
    ['degraded', { oldestAgeMs: 300_000 }],
    ['outage', { oldestAgeMs: 300_001 }],
    ['no-data', { oldestAgeMs: Number.NaN }],
  ])('a queue is %s with %j', (expected, over) => {
    expect(seen({ queues: [queue(over)] }, 'queue:ingestion')).toBe(expected);
  });

  it.each([
    ['operational', ['succeeded', 'succeeded', 'succeeded']],
    ['operational', ['missing', 'missing', 'succeeded']],
    ['operational', ['running', 'skipped', 'failed']],
    ['degraded', ['failed', 'succeeded', 'succeeded']],
    ['degraded', ['missing', 'dead', 'dead', 'succeeded']],
    ['degraded', ['missing', 'missing', 'missing']],
    ['outage', ['dead', 'failed', 'missing', 'missing', 'succeeded']],
    ['outage', ['missing', 'missing', 'queued', 'missing', 'missing']],
    ['no-data', ['missing', 'queued']],
  ])('a schedule is %s with slots %j', (expected, states) => {
    expect(seen({ slots: slots(START_MS, states) }, 'schedule:killswitch-heartbeat')).toBe(expected);
  });

  it('a schedule whose last slot came late is degraded', () => {
    const late = slots(START_MS).map((slot) => ({ ...slot, latenessMs: 61_000 }));
    expect(seen({ slots: late }, 'schedule:killswitch-heartbeat')).toBe('degraded');
  });

  it.each([
    ['operational', ['succeeded'], 'clear'],
    ['operational', ['missing', 'missing', 'succeeded'], 'clear'],
    ['degraded', ['missing', 'missing', 'missing', 'succeeded'], 'clear'],
    ['degraded', ['dead', 'dead', 'dead', 'dead'], 'clear'],
    ['outage', Array<string>(12).fill('missing'), 'clear'],
    ['outage', ['succeeded'], 'unknown'],
    ['operational', [], 'clear'],
  ] as const)('the kill switch is %s with heartbeats %j and switch %s', (expected, states, switchState) => {
    expect(seen({ slots: slots(START_MS, [...states]), switchState }, 'kill-switch')).toBe(expected);
  });

  it.each([
    [850, '850 ms'],
    [12_400, '12 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [432_000_000, '5 d'],
    [-5, '0 ms'],
  ])('says %d ms as %s', (durationMs, words) => {
    expect(inWords(durationMs)).toBe(words);
  });
});
