/** What can go wrong with the plane itself; the literal survives minification and is what callers switch on. */
type PlaneErrorCode =
  | 'ASSEMBLY_UNREADABLE'
  | 'TEMPLATE_UNSUPPORTED'
  | 'PORT_TAKEN'
  | 'NOT_LOOPBACK'
  | 'NO_VALKEY'
  | 'DATA_FOLDER_IN_USE'
  | 'START_FAILED'
  | 'CLOCK_NOT_DRIVEN'
  | 'UNKNOWN_NAME'
  | 'RUN_LATE';

/** A failure of the local plane. Its message says what failed, with which value, and what to do. */
export class PlaneError extends Error {
  readonly code: PlaneErrorCode;

  constructor(code: PlaneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PlaneError';
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The system error code (`EADDRINUSE`, ...) of whatever was thrown, if it has one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
