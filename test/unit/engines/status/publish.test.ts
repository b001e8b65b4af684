import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml } from '#engines/status/html.ts';
import { statusHistorySchema, statusSchema } from '#engines/status/model.ts';
import type { StatusHistory, StatusSample } from '#engines/status/model.ts';
import { nextStatus } from '#engines/status/publish.ts';
import { queue, sample, slots } from './support.ts';

const publishAll = (minutes: number, spoil: (minute: number) => Partial<StatusSample> = () => ({})) => {
  let stored: unknown;
  const published = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const next = nextStatus(sample(minute, spoil(minute)), stored);
    stored = JSON.parse(next.files.history);
    published.push(next);
  }
  return published;
};

const stuck: Partial<StatusSample> = { queues: [queue({ oldestAgeMs: 400_000 })] };

describe('the status files', () => {
  it('parse by their own schemas and say the same', () => {
    const [{ status, history, files } = nextStatus(sample(0), undefined)] = publishAll(6, () => stuck).slice(-1);
    expect(statusSchema.parse(JSON.parse(files.status))).toEqual(status);
    expect(statusHistorySchema.parse(JSON.parse(files.history))).toEqual(history);
    expect(status).toMatchObject({
      v: 1,
      generatedAt: '2026-11-20T12:05:30.000Z',
      overall: 'outage',
      killSwitch: 'clear',
      queues: [{ name: 'ingestion', oldestAgeMs: 400_000, waiting: 1 }],
      incidents: { open: [{ component: 'queue:ingestion' }], recent: [] },
    });
    expect(status.schedules[0]?.slots[0]).toEqual({
      slot: '2026-11-20T12:05:00.000Z',
      runId: 'run-0',
      state: 'succeeded',
      latenessMs: 1_200,
    });
  });

  it('are the same bytes for the same input', () => {
    expect(publishAll(3).at(-1)?.files).toEqual(publishAll(3).at(-1)?.files);
  });

  it.each([
    ['operational', 1, {}],
    ['halted', 1, { switchState: 'halted' }],
    ['outage', 3, stuck],
    ['degraded', 3, { queues: [queue({ deadLetters: 3 })] }],
    ['unknown', 1, { switchState: 'unknown', queues: [], slots: [] }],
    ['degraded', 1, { queues: [queue({ oldestAgeMs: Number.NaN })] }],
  ] as const)('are %s overall after %d samples of %j', (overall, minutes, over) => {
    expect(publishAll(minutes, () => over).at(-1)?.status.overall).toBe(overall);
  });
});

describe('the page', () => {
  const page = (minutes = 8): string =>
    publishAll(minutes, (minute) => (minute > 2 ? stuck : {})).at(-1)?.files.html ?? '';

  it('shows state, components, incidents, last slots and the time', () => {
    const text = page();
    for (const part of [
      '<h1>Outage</h1>',
      'Kill switch',
      'ingestion',
      'killswitch-heartbeat',
      'Open incidents',
      '2026-11-20 12:07',
    ])
      expect(text).toContain(part);
    expect(text).toContain('aria-label="8 last samples: 5 operational, 3 outage"');
  });

  it('loads nothing and runs nothing', () => {
    expect(page()).not.toMatch(/<script|<link|<img|<iframe|javascript:|\son\w+=|\sstyle=|@import|url\(|https?:/i);
    expect(page()).toContain("default-src 'none'");
  });

  it('has one heading of the first rank, a language, and names for its regions and pictures', () => {
    const text = page();
    expect(text.match(/<h1/g)).toHaveLength(1);
    expect(text).toContain('<html lang="en">');
    expect(text.match(/<svg /g)).toHaveLength(text.match(/role="img" aria-label="[^"]+"/g)?.length ?? 0);
    const ids = [...text.matchAll(/aria-labelledby="([^"]+)"/g)].map((match) => match[1]);
    for (const id of ids) expect(text).toContain(`id="${id}"`);
    expect(new Set([...text.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])).size).toBe(
      text.match(/ id="/g)?.length,
    );
  });

  it('lets no name, message or state out of its place', () => {
    const tags = (text: string): string[] => text.match(/<[^>]*>/g) ?? [];
    // What varies in a tag by right: time stamps and labels made of our own words.
    const skeleton = (text: string): string[] => tags(text).map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
    const hostile = fc.oneof(
      fc.constantFrom(
        '"><script>alert(1)</script>',
        "'><img src=x onerror=alert(1)>",
        '</style><b>',
        '&lt;b&gt;',
        '\u202Eevil',
        '\u0000',
        '${x}',
        '$&',
      ),
      fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', 'a', '\u2028', '\n', '`'), maxLength: 30 }),
    );
    const render = (name: string): string => {
      const over: Partial<StatusSample> = {
        queues: [queue({ queue: name, deadLetters: 1 })],
        slots: slots(sample(0).atMs).map((slot) => ({ ...slot, schedule: name, task: name, runId: name, state: name })),
      };
      return publishAll(3, () => over).at(-1)?.files.html ?? '';
    };
    const plain = skeleton(render('plain'));
    fc.assert(
      fc.property(hostile, (name) => {
        expect(skeleton(render(name))).toEqual(plain);
      }),
    );
  });

  it('says a hostile history in words too', () => {
    const { history } = nextStatus(sample(0), undefined);
    const evil: StatusHistory = {
      ...history,
      incidents: [
        {
          id: '<i>',
          component: '<b>',
          kind: 'fault',
          severity: 'outage',
          startedAt: history.at,
          endedAt: null,
          detail: '<u>',
        },
      ],
    };
    const text = nextStatus(sample(1), evil).files.html;
    expect(text).toContain('&lt;b&gt;');
    expect(text).not.toMatch(/<[biu]>/);
  });

  it('escapes so that the text reads back', () => {
    expect(escapeHtml(`<a href="x" title='y'>&\u202E`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp; ');
  });
});
