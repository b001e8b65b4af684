// Connectors on the Airbyte message model: what every source of data speaks, whatever it is.
//
// SPEC says what configuration is wanted, CHECK whether the source can be read, DISCOVER which streams it has, READ yields
// RECORD, STATE and LOG. Two departures, both for size: a RECORD carries a part of rows and not one, and data are typed
// here and not wrapped in JSON. As there, whoever stored a STATE has everything that came before it.
import type { Header } from '#engines/ingest/header.ts';
import type { BronzePart, IngestCursor } from '#engines/ingest/read.ts';

interface SpecMessage {
  type: 'SPEC';
  /** JSON Schema of the options. */
  connectionSpecification: unknown;
  supportsIncremental: boolean;
}

interface CheckMessage {
  type: 'CONNECTION_STATUS';
  status: 'SUCCEEDED' | 'FAILED';
  /** Why it failed, and what to do. */
  message?: string;
  code?: string;
}

interface CatalogMessage {
  type: 'CATALOG';
  streams: { name: string; header: Header; supportedSyncModes: readonly ['full_refresh', 'incremental'] }[];
}

export type ReadMessage =
  | { type: 'LOG'; level: 'INFO' | 'WARN'; message: string }
  | { type: 'RECORD'; stream: string; part: BronzePart }
  | { type: 'STATE'; stream: string; cursor: IngestCursor };

/** `Options` are what SPEC describes, parsed; `Source` is the port the bytes come through. */
export interface Connector<Source, Options> {
  spec: () => SpecMessage;
  check: (source: Source, signal?: AbortSignal) => Promise<CheckMessage>;
  discover: (source: Source, signal?: AbortSignal) => Promise<CatalogMessage>;
  read: (request: {
    source: Source;
    options: Options;
    /** The last STATE that was stored; absent: from the start. */
    cursor?: IngestCursor;
    signal?: AbortSignal;
  }) => AsyncIterable<ReadMessage>;
}
