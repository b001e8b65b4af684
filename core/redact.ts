/**
 * Secrets never reach a row, a log, a frame, an error or an audit entry: what is written passes here first. What a
 * secret looks like stands in secret-shapes.ts; this walks through values to find them.
 */
import { holdsAccessKeyId, isHarmless, isSecretKeyShape, isSecretName, redacted, redactText } from './secret-shapes.ts';

export { redacted, redactText } from './secret-shapes.ts';

/** What is written of a value beyond these bounds is cut, so that no log line, and no cycle, is without end. */
const deepest = 24;
const mostNodes = 20_000;
const longestText = 65_536;
const longestPath = 300;

/** A copy of the value, any value, in which every secret is replaced; errors become objects, with their causes. */
export const redact = (value: unknown): unknown => scrub({ value }, { nodes: 0, above: new Set() });

/** The value itself, or, only when there is a secret in it, its redacted copy. */
export const withoutSecrets = <T>(value: T): T => (findSecret(value) === undefined ? value : (redact(value) as T));

/** Where the first secret stands, as a JSONPath (`$.strategy.params.apiKey`), or undefined when there is none. */
export function findSecret(value: unknown): string | undefined {
  const seen = new Set<unknown>();
  const left: (Part & { path: string })[] = [{ value, path: '$' }];
  for (let part = left.pop(); part; part = left.pop()) {
    const { path } = part;
    if (seen.has(part.value)) continue;
    if (typeof part.value === 'object') seen.add(part.value);
    const plain = plainOf(part.value);
    if (isSecret(plain, part.name)) return path;
    if (typeof plain !== 'object' || plain === null) continue;
    const parts = partsOf(plain, part);
    const named = parts.find(({ key }) => typeof key === 'string' && redactText(key) !== key);
    if (named) return below(path, named.key);
    // Backwards, so that the first is the first to be taken.
    for (const one of parts.toReversed()) left.push({ ...one, path: below(path, one.key) });
  }
  return undefined;
}

/** The path one step further down; a very long one is cut. */
function below(path: string, key: string | number): string {
  if (path.length > longestPath) return path;
  if (typeof key === 'number') return `${path}[${key}]`;
  const name = redactText(key);
  return /^[A-Za-z_]\w*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name.slice(0, 64))}]`;
}

/** A value and, where it has one, the name that tells what it is. */
interface Part {
  readonly value: unknown;
  readonly name?: string | undefined;
  /** Of a list: two words in it may be name and value, as entries are. */
  readonly inList?: boolean;
}
interface KeyedPart extends Part {
  readonly key: string | number;
}

const isNamedSecret = (value: string, name: string | undefined): boolean =>
  name !== undefined && isSecretName(name) && !isHarmless(value);
const isSecret = (value: unknown, name: string | undefined): boolean =>
  typeof value === 'string' && (isNamedSecret(value, name) || redactText(value) !== value);

interface Walk {
  nodes: number;
  readonly above: Set<object>;
}

function scrub(part: Part, walk: Walk): unknown {
  const { value } = part;
  walk.nodes += 1;
  if (walk.nodes > mostNodes) return '[cut: too much to write]';
  if (typeof value === 'string') return scrubText(value, part.name);
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return value;
  if (walk.above.has(value)) return '[cut: a cycle]';
  if (walk.above.size >= deepest) return '[cut: too deep]';
  walk.above.add(value);
  const copy = copyOf(plainOf(value), part, walk);
  walk.above.delete(value);
  return copy;
}

function scrubText(text: string, name: string | undefined): string {
  if (isNamedSecret(text, name)) return redacted;
  const clean = redactText(text);
  return clean.length > longestText ? `${clean.slice(0, longestText).toWellFormed()}[cut]` : clean;
}

function copyOf(plain: unknown, part: Part, walk: Walk): unknown {
  if (typeof plain !== 'object' || plain === null) return scrub({ ...part, value: plain }, walk);
  const parts = partsOf(plain, part);
  const besideKeyId = parts.some(({ value }) => typeof value === 'string' && holdsAccessKeyId(value));
  const copies = parts.map(
    (one) => [one.key, besideKeyId && isSecretKeyShape(one.value) ? redacted : scrub(one, walk)] as const,
  );
  if (Array.isArray(plain)) return copies.map(([, copy]) => copy);
  return Object.fromEntries(copies.map(([key, copy]) => [redactText(String(key)), copy]));
}

function partsOf(plain: object, { name, inList }: Part): KeyedPart[] {
  if (!Array.isArray(plain)) return fieldsOf(plain);
  const [first] = plain as unknown[];
  // `[["cookie", "x"]]`: entries of headers.
  const entry = inList === true && plain.length === 2 && typeof first === 'string' ? first : undefined;
  // Each of a list is what the list is called: `{ "set-cookie": ["x", "y"] }`.
  return plain.map((value: unknown, key) => ({ key, value, inList: true, name: key === 1 ? (entry ?? name) : name }));
}

function fieldsOf(plain: object): KeyedPart[] {
  const fields = Object.entries(plain);
  // `{ name: "cookie", value: "x" }`: a header as a record.
  const called = fields.find(([key, value]) => /^(?:name|key)$/i.test(key) && typeof value === 'string')?.[1] as
    | string
    | undefined;
  return fields.map(([key, value]) => ({ key, value, name: /^value$/i.test(key) ? (called ?? key) : key }));
}

/** What would be written of the value: plain data, with the cause of an error, and no bytes. */
function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  try {
    return value instanceof Error ? errorFields(value) : dataOf(value);
  } catch {
    // A getter or a toJSON that throws.
    return '[unreadable]';
  }
}

/** Maps, headers and search parameters become lists of entries. */
function dataOf(value: { toJSON?: unknown; entries?: unknown }): unknown {
  if (typeof value.toJSON === 'function') return value.toJSON() as unknown;
  if (value instanceof Set) return [...value];
  return typeof value.entries === 'function'
    ? [...(value.entries() as Iterable<unknown>)]
    : Object.fromEntries(Object.entries(value));
}

const errorFields = (error: Error): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(error)),
  name: error.name,
  message: error.message,
  ...(error.stack === undefined ? {} : { stack: error.stack }),
  ...(error instanceof AggregateError ? { errors: error.errors as unknown } : {}),
  ...(error.cause === undefined ? {} : { cause: error.cause }),
});
