import type { RunArtefacts } from '#core/ports.ts';
import { sha256Hex } from '#engines/digest.ts';
import type { IngestCursor } from '#engines/ingest/read.ts';
import type { QualityReport } from '#engines/ingest/report.ts';
import type { ByteSource } from '#engines/ingest/source.ts';

export interface Artefact {
  readonly name: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly rows: number;
}

interface ManifestFacts {
  readonly payload: unknown;
  readonly source: ByteSource;
  readonly legs: {
    readonly reader: IngestCursor;
    readonly legs: readonly { readonly fence: number; readonly from: number }[];
  };
  readonly report: QualityReport;
  readonly written: readonly Artefact[];
}

/** Written last: a run's artefacts are complete when their manifest is there. Resolves with its key. */
export async function writeManifest(artefacts: RunArtefacts, facts: ManifestFacts): Promise<string> {
  const { payload, source, legs, report, written } = facts;
  const manifest = {
    v: 1,
    payload,
    payloadSha256: sha256Hex(encode(payload)),
    input: { name: source.name, sizeBytes: source.sizeBytes, version: source.version },
    bronze: { parts: legs.reader.nextPart, rows: legs.reader.rows, legs: legs.legs },
    artefacts: written.map(({ name, key, bytes, rows }) => ({
      name,
      key,
      rows,
      bytes: bytes.length,
      sha256: sha256Hex(bytes),
    })),
    quality: report,
    warnings: report.warnings,
    partial: false,
  };
  return artefacts.put('manifest.json', encode(manifest, 2), 'application/json');
}

const encode = (value: unknown, indent?: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value, null, indent));
