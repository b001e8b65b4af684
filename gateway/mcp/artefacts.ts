import * as z from 'zod';
import type { Run } from '#core/run.ts';
import { redactText } from '#core/redact.ts';
import { artefactPrefix } from '#core/task-ports.ts';
import { operation } from '#gateway/operation.ts';
import type { GatewayPorts } from '#gateway/ports.ts';
import { Problem } from '#gateway/problem.ts';
import { visibleRun } from '#gateway/rights.ts';
import { artefactsOf, runId } from '#gateway/routes/get-run.ts';
import { at } from '#gateway/schemas/common.ts';
import { artefact } from '#gateway/schemas/run.ts';

// What only tools ask for: over HTTP a run's artefacts stand in GET /runs/{id}, and the bucket gives their contents.

/** About what a model can take beside all else; what is larger is for programs, by its link. */
const mostTextBytes = 65_536;

export const listArtefacts = operation({
  params: runId,
  status: 200,
  answer: z.strictObject({ artefacts: z.array(artefact), moreArtefacts: z.boolean() }),
  problems: ['RUN_UNKNOWN'],
  async handle({ ports }, { params, caller }) {
    const run = await visibleRun(ports, caller, params.id);
    return { body: { ...(await artefactsOf(ports, run)) } };
  },
});

export const getArtefact = operation({
  params: runId.extend({
    name: z.string().min(1).max(512).meta({ description: 'As list_artefacts names it' }),
  }),
  status: 200,
  answer: artefact.extend({ text: z.string().optional() }),
  problems: ['RUN_UNKNOWN', 'NOT_FOUND'],
  async handle({ ports }, { params: { id, name }, caller }) {
    const run = await visibleRun(ports, caller, id);
    const { key, sizeBytes, link } = await found(ports, run, name);
    const text = sizeBytes > mostTextBytes ? undefined : textOf(await ports.artefacts.read(key));
    const { href, expiresAtMs } = link;
    return {
      body: { name, key, sizeBytes, href, expiresAt: at(expiresAtMs), ...(text === undefined ? {} : { text }) },
    };
  },
});

/** @throws Problem NOT_FOUND, also while the run has not succeeded: what others than its last claim wrote is nobody's. */
async function found({ artefacts, links }: GatewayPorts, run: Run, name: string) {
  const prefix = `${artefactPrefix(run)}/`;
  const key = `${prefix}${run.fence}/${name}`;
  const stat = run.state === 'succeeded' ? await artefacts.stat(key) : undefined;
  const [link] = stat ? await links.reading(prefix, [key]) : [];
  if (stat && link) return { key, sizeBytes: stat.sizeBytes, link };
  throw new Problem(
    'NOT_FOUND',
    `run ${run.id} (${run.state}) has no artefact ${JSON.stringify(name.slice(0, 200))}: list_artefacts names those there are`,
  );
}

/** Undefined for what is no text: no UTF-8, or with a zero in it. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return redactText(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
