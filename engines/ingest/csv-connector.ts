// The CSV connector: one file, one stream.
import * as z from 'zod';
import type { Connector } from '#engines/ingest/connector.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { readHeader } from '#engines/ingest/header.ts';
import { DEFAULT_ROWS_PER_PART, readParts } from '#engines/ingest/read.ts';
import type { ByteSource } from '#engines/ingest/source.ts';

export const csvOptionsSchema = z.strictObject({
  /** Name of the stream: an instrument. */
  stream: z.string().min(1).max(100).default('ohlcv'),
  /** Rows in a bronze part; a leg can stop behind each. */
  rowsPerPart: z.int().min(1).max(1_000_000).default(DEFAULT_ROWS_PER_PART),
});
type CsvOptions = z.infer<typeof csvOptionsSchema>;

export const csvConnector: Connector<ByteSource, CsvOptions> = {
  spec: () => ({
    type: 'SPEC',
    connectionSpecification: z.toJSONSchema(csvOptionsSchema, { io: 'input' }),
    supportsIncremental: true,
  }),

  check: async (source, signal) => {
    try {
      await readHeader(source, signal);
      return { type: 'CONNECTION_STATUS', status: 'SUCCEEDED' };
    } catch (error) {
      if (!(error instanceof IngestError)) throw error;
      return { type: 'CONNECTION_STATUS', status: 'FAILED', message: error.message, code: error.code };
    }
  },

  discover: async (source, signal) => {
    const header = await readHeader(source, signal);
    const supportedSyncModes = ['full_refresh', 'incremental'] as const;
    return { type: 'CATALOG', streams: [{ name: source.name, header, supportedSyncModes }] };
  },

  async *read({ source, options, cursor, signal }) {
    const { stream, rowsPerPart } = options;
    const header = await readHeader(source, signal);
    if (cursor === undefined) for (const message of header.notes) yield { type: 'LOG', level: 'WARN', message };
    const resumption = { ...(cursor === undefined ? {} : { cursor }), ...(signal === undefined ? {} : { signal }) };
    for await (const { part, cursor: next } of readParts({ source, header, rowsPerPart, ...resumption })) {
      yield { type: 'RECORD', stream, part };
      yield { type: 'STATE', stream, cursor: next };
      yield {
        type: 'LOG',
        level: 'INFO',
        message: `Part ${part.part}: ${part.rows.length} rows, ${next.rows} so far.`,
      };
    }
  },
};
