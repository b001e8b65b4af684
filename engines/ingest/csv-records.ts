// Where a CSV record ends, and what its fields are (RFC 4180).
//
// Own code and not a parser library, for three reasons: a leg must be able to stop at a byte and another to go on there;
// a broken line must cost that line and no more (a library throws, or swallows the rest of the file after a stray
// quote); and the answer may not depend on how the file was cut into reads. The last is kept by one precondition: whoever
// calls has MAX_RECORD_BYTES + 1 bytes ahead, or the end of the file.
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;

/** A record of prices is some hundred bytes. Beyond this an opened quote was never meant as one. */
export const MAX_RECORD_BYTES = 65_536;

export const RECORD_PROBLEMS = ['FIELD_COUNT', 'QUOTE_BROKEN', 'RECORD_TOO_LONG'] as const;
export type RecordProblem = (typeof RECORD_PROBLEMS)[number];

export interface ScannedRecord {
  /** Index of the first byte after the record and its line end. */
  end: number;
  /** The record without its line end. */
  text: string;
  quoted: boolean;
  /** Line ends inside and behind the record. */
  newlines: number;
  problem?: RecordProblem;
}

interface Span {
  start: number;
  limit: number;
}

// U+FEFF inside a file is data; the mark at its start is taken off by the header.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The record that starts at `start`. A record whose quotes do not pair is cut at its first line end and marked
 * QUOTE_BROKEN, one beyond MAX_RECORD_BYTES is cut there and marked RECORD_TOO_LONG.
 */
export const scanRecord = (bytes: Uint8Array, start: number, delimiter: string): ScannedRecord => {
  const span = { start, limit: Math.min(bytes.length, start + MAX_RECORD_BYTES) };
  const lineEnd = lineEndOf(bytes, span);
  const quoted = hasQuote(bytes, start, lineEnd);
  const end = quoted ? quotedRecordEnd(bytes, span, delimiter.charCodeAt(0)) : lineEnd;
  if (end === undefined) return recordOf(bytes, { start, limit: lineEnd }, { quoted: false, problem: 'QUOTE_BROKEN' });
  const cut = end < bytes.length && bytes[end - 1] !== NEWLINE;
  return recordOf(bytes, { start, limit: end }, cut ? { quoted, problem: 'RECORD_TOO_LONG' } : { quoted });
};

/** The fields of a sound record, quotes removed. */
export const splitFields = (record: ScannedRecord, delimiter: string): string[] =>
  record.quoted ? splitQuoted(record.text, delimiter) : record.text.split(delimiter);

/** One record from fields, quoted where that is needed; the inverse of splitFields. */
export const joinFields = (fields: readonly string[], delimiter: string): string =>
  fields
    .map((field) => (field.includes(delimiter) || /["\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(delimiter);

const lineEndOf = (bytes: Uint8Array, span: Span): number => {
  const newline = bytes.indexOf(NEWLINE, span.start);
  return newline === -1 || newline >= span.limit ? span.limit : newline + 1;
};

const hasQuote = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let at = start; at < end; at += 1) if (bytes[at] === QUOTE) return true;
  return false;
};

const recordOf = (
  bytes: Uint8Array,
  span: Span,
  facts: { quoted: boolean; problem?: RecordProblem },
): ScannedRecord => {
  let contentEnd = span.limit;
  if (bytes[contentEnd - 1] === NEWLINE) contentEnd -= 1;
  if (contentEnd > span.start && bytes[contentEnd - 1] === CARRIAGE_RETURN) contentEnd -= 1;
  const text = decoder.decode(bytes.subarray(span.start, contentEnd));
  return { end: span.limit, text, newlines: newlinesIn(bytes, span), ...facts };
};

const newlinesIn = (bytes: Uint8Array, span: Span): number => {
  let newlines = 0;
  for (let at = span.start; at < span.limit; at += 1) if (bytes[at] === NEWLINE) newlines += 1;
  return newlines;
};

/** End of a record with quotes in it, or undefined where they do not pair within the limit. */
const quotedRecordEnd = (bytes: Uint8Array, span: Span, delimiter: number): number | undefined => {
  let at = span.start;
  while (at < span.limit) {
    const fieldEnd =
      bytes[at] === QUOTE
        ? quotedFieldEnd(bytes, { start: at, limit: span.limit })
        : bareFieldEnd(bytes, { start: at, limit: span.limit }, delimiter);
    if (fieldEnd === undefined) return undefined;
    const lineEnd = lineEndAt(bytes, fieldEnd);
    if (lineEnd !== undefined) return lineEnd;
    if (bytes[fieldEnd] !== delimiter) return undefined;
    at = fieldEnd + 1;
  }
  return at >= bytes.length ? bytes.length : undefined;
};

/** Index behind a line end or the end of the file at `at`; undefined if neither is there. */
const lineEndAt = (bytes: Uint8Array, at: number): number | undefined => {
  if (at >= bytes.length) return bytes.length;
  if (bytes[at] === NEWLINE) return at + 1;
  if (bytes[at] !== CARRIAGE_RETURN) return undefined;
  if (at + 1 === bytes.length) return at + 1;
  return bytes[at + 1] === NEWLINE ? at + 2 : undefined;
};

const quotedFieldEnd = (bytes: Uint8Array, span: Span): number | undefined => {
  let at = span.start + 1;
  while (at < span.limit) {
    if (bytes[at] !== QUOTE) at += 1;
    else if (bytes[at + 1] === QUOTE) at += 2;
    else return at + 1;
  }
  return undefined;
};

// A quote inside a bare field (5" pipe) is text: only a field that begins with one is quoted.
const bareFieldEnd = (bytes: Uint8Array, span: Span, delimiter: number): number | undefined => {
  let at = span.start;
  while (at < span.limit && bytes[at] !== delimiter && bytes[at] !== NEWLINE) at += 1;
  return at < span.limit || at === bytes.length ? at : undefined;
};

const splitQuoted = (text: string, delimiter: string): string[] => {
  const fields: string[] = [];
  let at = 0;
  while (at <= text.length) {
    const end = text[at] === '"' ? closingQuote(text, at) + 1 : nextOrEnd(text, delimiter, at);
    const field = text.slice(at, end);
    fields.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    at = end + 1;
  }
  return fields;
};

const closingQuote = (text: string, open: number): number => {
  let close = nextOrEnd(text, '"', open + 1);
  while (text[close + 1] === '"') close = nextOrEnd(text, '"', close + 2);
  return close;
};

const nextOrEnd = (text: string, what: string, from: number): number => {
  const at = text.indexOf(what, from);
  return at === -1 ? text.length : at;
};
