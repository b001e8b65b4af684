// What a run on the emulator leaves for whoever comes later: what was made, what was skipped and who fills the hole, and
// how the demo went.
import { writeFileSync } from 'node:fs';
import { alwaysMissing, type Skip } from '../profiles/holes.ts';
import type { Hole, Profile } from '../profiles/profile.ts';
import type { Created } from './deployed.ts';
import type { Deployment } from './emulator.ts';
import type { Listener } from './listeners.ts';

export interface RunLog {
  readonly emulator: { readonly name: string; readonly version: string; readonly endpoint: string };
  readonly created: readonly Created[];
  readonly skipped: readonly Skip[];
  /** Parts and types that are missing whatever was deployed. */
  readonly missing: readonly Hole[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly listeners: readonly Listener[];
  readonly steps: readonly { readonly what: string; readonly atSeconds: number }[];
  /** The demo's document. */
  readonly result: unknown;
}

/** What was deployed, with how the run went. What was skipped is not among what was created. */
export function runLog(deployment: Deployment, profile: Profile, ran: Pick<RunLog, 'steps' | 'result'>): RunLog {
  const { endpoint, created, skipped, outputs } = deployment;
  const absent = new Set(skipped.filter(({ fate }) => fate === 'skipped').map(({ what }) => what));
  return {
    emulator: { name: profile.name, version: profile.version, endpoint },
    created: created.filter(({ logicalId }) => !absent.has(logicalId)),
    skipped,
    missing: alwaysMissing(profile),
    outputs,
    listeners: deployment.listeners(),
    ...ran,
  };
}

/** Writes it as JSON. */
export function writeRunLog(file: string, log: RunLog): void {
  writeFileSync(file, `${JSON.stringify(log, null, 2)}\n`);
}

/** The part that a person reads at the end. */
export function summaryOf({ emulator, created, skipped, missing, listeners }: RunLog): string {
  const byType = Map.groupBy(created, ({ type }) => type);
  const types = [...byType].map(([type, all]) => `${type} ${all.length}`).toSorted();
  const holes = [...Map.groupBy(skipped, ({ type }) => type)].map(([type, [first]]) => holeLine(type, first));
  const ports = listeners.map(({ port }) => port).toSorted((one, other) => one - other);
  return [
    `${emulator.name} ${emulator.version} made ${created.length} resources: ${types.join(', ')}.`,
    '',
    'What it does not do, and what fills the hole:',
    ...holes,
    ...missing.map((hole) => holeLine(hole.what, hole)),
    '',
    `Ports, on loopback only: ${ports.join(', ')}`,
  ].join('\n');
}

const holeLine = (what: string, hole: Hole | undefined): string =>
  `  ${what}: ${hole?.why}; filled by ${hole?.filledBy}`;
