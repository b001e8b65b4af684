type IngestErrorCode =
  | 'INGEST_EMPTY'
  | 'INGEST_NOT_TEXT'
  | 'INGEST_HEADER_UNREADABLE'
  | 'INGEST_COLUMN_MISSING'
  | 'INGEST_COLUMN_AMBIGUOUS'
  | 'INGEST_DATE_UNREADABLE'
  | 'INGEST_TOO_MANY_BAD_ROWS'
  | 'INGEST_TOO_MANY_ROWS'
  | 'INGEST_SEVERAL_INSTRUMENTS'
  | 'INGEST_SOURCE_CHANGED'
  | 'INGEST_SOURCE_SHORT'
  | 'INGEST_CURSOR_INVALID'
  | 'INGEST_BRONZE_INVALID';

/** A file that cannot be taken in. The same bytes fail the same way, so trying again is of no use. */
export class IngestError extends Error {
  readonly code: IngestErrorCode;
  readonly retryable = false;

  constructor(code: IngestErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'IngestError';
    this.code = code;
  }
}
