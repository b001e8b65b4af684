import { Problem } from './problem.ts';

/** The largest body that is read; larger payloads are uploaded and named. */
const bodyBytes = 1024 * 1024;
/** Objects and lists within one another. Nobody's payload is deeper, and what walks through it later may recurse. */
const deepest = 32;

/**
 * The JSON of a request. Nothing at all is undefined.
 *
 * @throws Problem BODY_TOO_LARGE, CONTENT_TYPE_UNSUPPORTED, REQUEST_INVALID
 */
export async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request);
  if (text === '') return undefined;
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type)) {
    throw new Problem(
      'CONTENT_TYPE_UNSUPPORTED',
      `the content type is ${JSON.stringify(type.slice(0, 80))}: send application/json`,
    );
  }
  return parseJson(text);
}

/** @throws Problem REQUEST_INVALID for what is no JSON, or too deep. */
export function parseJson(text: string, what = 'body'): unknown {
  const invalid = (message: string): Problem =>
    new Problem('REQUEST_INVALID', `the ${what} ${message}`, { issues: [{ path: what, message }] });
  if (isTooDeep(text)) throw invalid(`is nested deeper than ${deepest} levels: flatten it`);
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says quotes the text, which may hold anything.
    throw invalid('is not JSON: correct it');
  }
}

async function readText(request: Request): Promise<string> {
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > bodyBytes) {
      throw new Problem(
        'BODY_TOO_LARGE',
        `the body has more than ${bodyBytes} bytes: POST /uploads gives a link for larger ones, and payloadPath names them`,
      );
    }
    chunks.push(chunk);
  }
  try {
    return decode(chunks, size);
  } catch {
    throw new Problem('REQUEST_INVALID', 'the body is not UTF-8', {
      issues: [{ path: 'body', message: 'is not UTF-8' }],
    });
  }
}

function decode(chunks: readonly Uint8Array[], size: number): string {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

const steps: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 };

/** Counted on the text, before anything is made of it; brackets within strings do not count. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (sign === '"') at = endOfString(text, at);
    depth += steps[sign] ?? 0;
    if (depth > deepest) return true;
  }
  return false;
}

function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at;
    if (text[at] === '\\') at += 1;
  }
  return text.length;
}
