import { describe, expect, it } from 'vitest';
import { Failure } from '#core/errors.ts';
import type { Artefacts } from '#core/ports.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const isMissing = (error: unknown) =>
  error instanceof Failure && error.code === 'INPUT_INVALID' && error.message.includes('inbox/none.csv');

/** What payloads, artefacts and the status page rely on in the bucket, whichever it is. */
export function artefactsContract(name: string, make: () => Promise<Artefacts>): void {
  describe(`artefacts: ${name}`, () => {
    it.each([
      'inbox/acme/sp500.csv',
      'inbox/acme/a b+c%20d.csv',
      'inbox/ümläut/日本.csv',
      "status/it's (1)!*.json",
      'artifacts/acme/ingest.pull/0/1/x=1/part.parquet',
    ])('reads back what was put as %s', async (key) => {
      const artefacts = await make();
      const bytes = Uint8Array.from({ length: 300 }, (_, at) => at % 256);
      await artefacts.put(key, bytes, 'application/octet-stream');
      expect(await artefacts.read(key)).toEqual(bytes);
      expect((await artefacts.stat(key))?.sizeBytes).toBe(300);
    });

    it('puts over what was there, whole', async () => {
      const artefacts = await make();
      await artefacts.put('a', bytesOf('a long first version'), 'text/plain');
      await artefacts.put('a', bytesOf('short'), 'text/plain');
      expect(await artefacts.read('a')).toEqual(bytesOf('short'));
    });

    it('says of a missing object that the input is wrong, by its key', async () => {
      const artefacts = await make();
      await expect(artefacts.read('inbox/none.csv')).rejects.toSatisfy(isMissing);
      await expect(artefacts.readRange('inbox/none.csv', 0, 10)).rejects.toSatisfy(isMissing);
      expect(await artefacts.stat('inbox/none.csv')).toBeUndefined();
    });

    it.each([
      [0, 3, 'abc'],
      [3, 4, 'd'],
      [8, 10, 'ij'],
      [8, 99, 'ij'],
      [0, 99, 'abcdefghij'],
      [4, 4, ''],
      [0, 0, ''],
      [5, 2, ''],
      [10, 20, ''],
      [99, 100, ''],
    ])('reads the range from %i to %i of ten bytes as %j', async (startByte, endByte, text) => {
      const artefacts = await make();
      await artefacts.put('a', bytesOf('abcdefghij'), 'text/plain');
      expect(await artefacts.readRange('a', startByte, endByte)).toEqual(bytesOf(text));
    });

    it('keeps an empty object: it is there, has no bytes, and any range of it is empty', async () => {
      const artefacts = await make();
      await artefacts.put('a', new Uint8Array(), 'text/plain');
      expect((await artefacts.stat('a'))?.sizeBytes).toBe(0);
      expect(await artefacts.read('a')).toEqual(new Uint8Array());
      expect(await artefacts.readRange('a', 0, 1024)).toEqual(new Uint8Array());
    });

    it('has a version that changes with the content, and not without', async () => {
      const artefacts = await make();
      await artefacts.put('a', bytesOf('one'), 'text/plain');
      const one = await artefacts.stat('a');
      expect(await artefacts.stat('a')).toEqual(one);
      await artefacts.put('a', bytesOf('two'), 'text/plain');
      const two = await artefacts.stat('a');
      expect(one?.version).toBeTruthy();
      expect(two?.version).not.toBe(one?.version);
      expect(two?.sizeBytes).toBe(3);
    });

    it('lists what lies below a prefix, by key and with its size, and no more than is wanted', async () => {
      const artefacts = await make();
      for (const [key, text] of [
        ['artifacts/acme/t/1/b.csv', 'bb'],
        ['artifacts/acme/t/1/a b+c%20d.json', 'a'],
        ['artifacts/acme/t/1/deep/c.csv', 'ccc'],
        ['artifacts/acme/t/10/other.csv', 'x'],
        ['artifacts/acme2/t/1/other.csv', 'x'],
      ] as const)
        await artefacts.put(key, bytesOf(text), 'text/plain');
      const all = [
        { key: 'artifacts/acme/t/1/a b+c%20d.json', sizeBytes: 1 },
        { key: 'artifacts/acme/t/1/b.csv', sizeBytes: 2 },
        { key: 'artifacts/acme/t/1/deep/c.csv', sizeBytes: 3 },
      ];
      expect(await artefacts.list('artifacts/acme/t/1/', 10)).toEqual(all);
      expect(await artefacts.list('artifacts/acme/t/1/', 2)).toEqual(all.slice(0, 2));
      expect(await artefacts.list('artifacts/nobody/', 10)).toEqual([]);
    });

    it('keeps its own copy of the bytes, and hands out copies', async () => {
      const artefacts = await make();
      const bytes = bytesOf('abc');
      await artefacts.put('a', bytes, 'text/plain');
      bytes[0] = 0;
      (await artefacts.read('a'))[1] = 0;
      expect(await artefacts.read('a')).toEqual(bytesOf('abc'));
    });
  });
}
