import { describe, expect, it } from 'vitest';
import type { ReadMessage } from '#engines/ingest/connector.ts';
import { csvConnector, csvOptionsSchema } from '#engines/ingest/csv-connector.ts';
import type { IngestCursor } from '#engines/ingest/read.ts';
import { csvSource, fileSource, sp500Source } from './support.ts';

const messages = async (cursor?: IngestCursor): Promise<ReadMessage[]> => {
  const options = csvOptionsSchema.parse({ stream: 'GOOG', rowsPerPart: 1000 });
  const request = { source: fileSource('GOOG.csv'), options, ...(cursor === undefined ? {} : { cursor }) };
  const read: ReadMessage[] = [];
  for await (const message of csvConnector.read(request)) read.push(message);
  return read;
};

describe('the CSV connector', () => {
  it('specifies its options as JSON Schema', () => {
    const { connectionSpecification } = csvConnector.spec();
    expect(connectionSpecification).toMatchObject({ type: 'object', properties: { rowsPerPart: { default: 50_000 } } });
    expect(csvOptionsSchema.safeParse({ rowPerPart: 1 }).success).toBe(false);
  });

  it('checks a source and says why one will not do', async () => {
    expect(await csvConnector.check(sp500Source())).toEqual({ type: 'CONNECTION_STATUS', status: 'SUCCEEDED' });
    expect(await csvConnector.check(csvSource('a,b\n1,2\n'))).toMatchObject({
      status: 'FAILED',
      code: 'INGEST_COLUMN_MISSING',
      message: expect.stringContaining('found "a", "b"'),
    });
  });

  it('passes on what is no fault of the file', async () => {
    const denied = { ...csvSource('x'), readRange: () => Promise.reject(new Error('access denied')) };
    await expect(csvConnector.check(denied)).rejects.toThrow('access denied');
  });

  it('discovers one stream with its columns', async () => {
    const { streams } = await csvConnector.discover(sp500Source());
    expect(streams).toEqual([
      expect.objectContaining({ name: 'sp500-2000.csv', header: expect.objectContaining({ extraColumns: [] }) }),
    ]);
  });

  it('reads records, each followed by the state to go on from', async () => {
    const read = await messages();
    expect(read.map((message) => message.type)).toEqual(['LOG', ...Array(3).fill(['RECORD', 'STATE', 'LOG']).flat()]);
    expect(read[0]).toMatchObject({ level: 'WARN', message: expect.stringContaining('no name') });
  });

  it('goes on from a state as if it had never stopped', async () => {
    const read = await messages();
    const state = read.find((message) => message.type === 'STATE');
    expect(await messages(state?.cursor)).toEqual(read.slice(4));
  });
});
