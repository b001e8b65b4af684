import * as z from 'zod';
import { limits } from '#core/catalogue/limits.ts';
import type { Run } from '#core/run.ts';
import { unfold } from '#core/fold.ts';
import { artefactPrefix } from '#core/task-ports.ts';
import { runTag } from '#gateway/etag.ts';
import { operation } from '#gateway/operation.ts';
import type { GatewayPorts } from '#gateway/ports.ts';
import { visibleRun } from '#gateway/rights.ts';
import { runView } from '#gateway/run-view.ts';
import { at } from '#gateway/schemas/common.ts';
import { frameView, runDetail, type RunDetailView } from '#gateway/schemas/run.ts';

export const runId = z.strictObject({
  id: z.string().max(200).meta({ description: 'The id of a run: a UUID' }),
});
/** More are a data set, not something to read: the manifest of the run names them. */
const mostArtefacts = 100;

export const getRun = operation({
  params: runId,
  status: 200,
  answer: runDetail,
  headers: { etag: 'Its version, for If-Match of a retry' },
  problems: ['RUN_UNKNOWN'],
  async handle({ ports }, { params, caller }) {
    const run = await visibleRun(ports, caller, params.id);
    const [payload, result, progress, written] = await Promise.all([
      valueOf(ports, run.payload),
      run.outcome?.result && valueOf(ports, run.outcome.result),
      newestFrame(ports, run),
      artefactsOf(ports, run),
    ]);
    const body = {
      ...runView(run, ports.clock.nowMs()),
      ...(payload === undefined ? {} : { payload }),
      ...(result === undefined ? {} : { result }),
      ...(progress ? { progress: frameView(progress) } : {}),
      ...written,
    };
    return { body, headers: { etag: runTag(run) } };
  },
});

/** A value that lies in the bucket may be gone by its life cycle, or too large to show; the row has more to say than that. */
async function valueOf({ artefacts }: GatewayPorts, folded: Run['payload']): Promise<unknown> {
  const shown = async () => {
    const stat = 'key' in folded ? await artefacts.stat(folded.key) : undefined;
    return (stat?.sizeBytes ?? 0) > limits.shownBytes ? undefined : unfold(artefacts, folded);
  };
  const [value] = await Promise.allSettled([shown()]);
  return value.status === 'fulfilled' ? value.value : undefined;
}

/** Redis may be away: progress is shown where it can be. */
async function newestFrame({ progress }: GatewayPorts, { id }: Run) {
  const [frame] = await Promise.allSettled([progress.latest(id)]);
  return frame.status === 'fulfilled' ? frame.value : undefined;
}

/** What the claim wrote that has settled the run: the artefacts of any other are nobody's. */
export async function artefactsOf(
  { artefacts, links }: GatewayPorts,
  run: Run,
): Promise<Pick<RunDetailView, 'artefacts' | 'moreArtefacts'>> {
  if (run.state !== 'succeeded') return { artefacts: [], moreArtefacts: false };
  const prefix = `${artefactPrefix(run)}/`;
  const found = await artefacts.list(`${prefix}${run.fence}/`, mostArtefacts + 1);
  const shown = found.slice(0, mostArtefacts);
  const keys = shown.map(({ key }) => key);
  // What signs them may be away: that there are artefacts is worth telling all the same.
  const [signed] = await Promise.allSettled([keys.length === 0 ? [] : links.reading(prefix, keys)]);
  const given = signed.status === 'fulfilled' ? signed.value : [];
  return {
    artefacts: shown.map(({ key, sizeBytes }, index) => {
      const link = given[index];
      const name = key.slice(prefix.length).replace(/^\d+\//, '');
      return { name, key, sizeBytes, ...(link ? { href: link.href, expiresAt: at(link.expiresAtMs) } : {}) };
    }),
    moreArtefacts: found.length > mostArtefacts,
  };
}
