import type { Field } from './flag.ts';

/** What a flag was given as text, as the schema wants it. @throws RangeError saying what it wants. */
export function valueOf({ kinds, choices }: Pick<Field, 'kinds' | 'choices'>, text: string): unknown {
  if (choices && !choices.includes(text)) throw new RangeError(`give one of ${choices.join(', ')}`);
  for (const kind of order.filter((one) => kinds.includes(one))) {
    const value = readers[kind](text);
    if (value !== undefined) return value;
  }
  throw new RangeError(`give ${kinds.map((kind) => wanted[kind]).join(' or ')}`);
}

/** What is narrower is tried first: where a number and a text may stand, `10` is the number. */
const order = ['boolean', 'integer', 'number', 'string', 'json'] as const;

const wanted = {
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  string: 'a text',
  json: 'JSON',
} as const;

const readers: Readonly<Record<(typeof order)[number], (text: string) => unknown>> = {
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  integer: (text) => (Number.isInteger(numberOf(text)) ? numberOf(text) : undefined),
  number: numberOf,
  string: (text) => text,
  json: jsonOf,
};

function numberOf(text: string): number | undefined {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Said by the caller, in words of its flag.
    return undefined;
  }
}

type Nested = { [name: string]: unknown };

/** Sets the value at the path; what is no object on the way gives way to one. The payload that is given stays as it was. */
export function withValue(payload: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const base: Nested = isObject(payload) ? payload : {};
  // A name such as __proto__ becomes a property like any other, and the schema refuses it.
  const next = Object.assign(Object.create(null) as Nested, base);
  next[name] = withValue(Object.hasOwn(base, name) ? base[name] : undefined, rest, value);
  return { ...next };
}

const isObject = (value: unknown): value is Nested =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
