import { describe, expect, it } from 'vitest';
import type { Secrets, SecretVersions } from '#core/ports-secrets.ts';

/** Secrets as whoever signs or calls relies on them, wherever they are kept. */
export function secretsContract(name: string, make: (kept: Record<string, SecretVersions>) => Promise<Secrets>): void {
  describe(`secrets: ${name}`, () => {
    it('are read by name, with the version before while there is one', async () => {
      const secrets = await make({
        'webhooks/rotated': { current: 'new', previous: 'old' },
        'webhooks/first': { current: 'only' },
      });
      expect(await secrets.read('webhooks/rotated')).toEqual({ current: 'new', previous: 'old' });
      expect(await secrets.read('webhooks/first')).toEqual({ current: 'only' });
    });

    it('are settings, too', async () => {
      const secrets = await make({ 'connectors/fred': { current: 'k3y' } });
      expect(await secrets.parameter('connectors/fred')).toBe('k3y');
    });

    it('that are not there are named, with how to put them there', async () => {
      const secrets = await make({});
      const missing = { code: 'CONFIGURATION_INVALID', message: expect.stringMatching(/webhooks\/acme: .*put/) };
      await expect(secrets.read('webhooks/acme')).rejects.toMatchObject(missing);
      await expect(secrets.parameter('webhooks/acme')).rejects.toMatchObject(missing);
    });

    it.each(['', 'acme', 'webhooks/', '../webhooks/acme', 'webhooks/../acme', 'webhooks/a b', 'A/b', '/webhooks/acme'])(
      'are not asked for by %j',
      async (bad) => {
        const secrets = await make({ [bad]: { current: 'x' } });
        await expect(secrets.read(bad)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
        await expect(secrets.parameter(bad)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
      },
    );

    it('do not stand in what is said of a name that is none: it may be one', async () => {
      const secrets = await make({});
      const refusal = secrets.read('hunter2 hunter2');
      await expect(refusal).rejects.toThrow(/15 characters/);
      await expect(refusal).rejects.not.toThrow(/hunter2/);
    });
  });
}
