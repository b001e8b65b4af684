import { describe, expect, it } from 'vitest';
import type { Links } from '#core/ports-gateway.ts';

export interface LinksUnderTest {
  readonly links: Links;
  readonly nowMs: () => number;
}

/** What the doors rely on in links, wherever they lead. */
export function linksContract(name: string, make: () => Promise<LinksUnderTest>): void {
  describe(`links: ${name}`, () => {
    const prefix = 'artifacts/acme/ingest.pull/r1/';

    it('are given for each key in turn, each another, and are over within five minutes', async () => {
      const { links, nowMs } = await make();
      const given = await links.reading(prefix, [`${prefix}1/a b.csv`, `${prefix}1/ü.csv`]);
      expect(given).toHaveLength(2);
      expect(new Set(given.map(({ href }) => href)).size).toBe(2);
      for (const { href, expiresAtMs } of given) {
        expect(URL.canParse(href)).toBe(true);
        expect(expiresAtMs).toBeGreaterThan(nowMs());
        expect(expiresAtMs).toBeLessThanOrEqual(nowMs() + 300_000);
      }
    });

    it('are not given for what lies elsewhere', async () => {
      const { links } = await make();
      await expect(links.reading(prefix, [`${prefix}1/a`, 'artifacts/acme/ingest.pull/r10/1/a'])).rejects.toThrow(
        /r10/,
      );
    });

    it('for an upload say which headers it must carry', async () => {
      const { links } = await make();
      const { headers } = await links.writing('inbox/acme/a.csv', { contentType: 'text/csv', sizeBytes: 3 });
      expect(headers).toEqual({ 'content-type': 'text/csv', 'content-length': '3' });
    });
  });
}
