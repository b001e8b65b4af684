import type { RunArtefacts } from '#core/ports.ts';
import { sha256Hex } from '#engines/digest.ts';
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
  /** The parts of the file as it stood, in order. */
  readonly bronze: { readonly rows: number; readonly keys: readonly string[] };
  readonly report: QualityReport;
  readonly written: readonly Artefact[];
}

/** Written last: a run's artefacts are complete when their manifest is there. Resolves with its key. */
export async function writeManifest(artefacts: RunArtefacts, facts: ManifestFacts): Promise<string> {
  const { payload, source, bronze, report, written } = facts;
  const manifest = {
    v: 1,
    payload,
    payloadSha256: sha256Hex(encode(payload)),
    input: { name: source.name, sizeBytes: source.sizeBytes, version: source.version },
    bronze,
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
