import { limits } from './catalogue/limits.ts';
import { Failure } from './errors.ts';
import type { Artefacts } from './ports.ts';
import type { Folded } from './run.ts';

/** DynamoDB takes numbers of this size and 0 (38 digits, so every double of it), and 32 levels; the row's own are some. */
const smallest = 1e-130;
const largest = 9.9e125;
const deepest = 24;

/** Whether a row can hold the value as it is. */
function fitsRow(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return value === 0 || (Math.abs(value) >= smallest && Math.abs(value) <= largest);
  if (typeof value !== 'object' || value === null) return true;
  return depth < deepest && Object.entries(value).every(([name, field]) => name !== '' && fitsRow(field, depth + 1));
}

/** Keeps a small value on the row, and puts one that does not fit there into the bucket at `key`. JSON in both cases. */
export async function fold(artefacts: Artefacts, key: string, value: unknown): Promise<Folded> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length <= limits.inlinePayloadBytes && fitsRow(value)) return { inline: value };
  if (bytes.length > limits.payloadBytes) {
    throw new Failure(
      'PAYLOAD_INVALID',
      `the value for ${key} has ${bytes.length} bytes, more than the ${limits.payloadBytes} allowed: put the data into the bucket and pass its key`,
    );
  }
  await artefacts.put(key, bytes, 'application/json');
  return { key };
}

/** The value again, from wherever it lies. */
export async function unfold(artefacts: Artefacts, folded: Folded): Promise<unknown> {
  if ('inline' in folded) return folded.inline;
  return JSON.parse(new TextDecoder().decode(await artefacts.read(folded.key)));
}
