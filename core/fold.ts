import { limits } from './catalogue/limits.ts';
import { Failure } from './errors.ts';
import type { Artefacts } from './ports.ts';
import type { Folded } from './run.ts';

/** Keeps a small value on the row, and puts a larger one into the bucket at `key`. JSON in both cases. */
export async function fold(artefacts: Artefacts, key: string, value: unknown): Promise<Folded> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length <= limits.inlinePayloadBytes) return { inline: value };
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
