import type { DatasetVersion, Effect, WebhookMessage } from './ports.ts';

type Describe = (values: readonly unknown[]) => Record<string, unknown>;

const sizeOf = (value: unknown): number => (value as ArrayLike<unknown> | undefined)?.length ?? 0;

/** What the audit keeps of an effect's arguments. An effect without a line here has none that tell anything. */
const describe: { readonly [E in Effect]?: Describe } = {
  'artefacts.put': ([name, bytes, contentType]) => ({ name, bytes: sizeOf(bytes), contentType }),
  'datasets.publish': ([name, version]) => {
    const { run, key, rows, sha256 } = version as DatasetVersion;
    return { name, run, key, rows, sha256 };
  },
  'anchors.anchorHour': ([hour]) => ({ hour }),
  'webhooks.deliver': ([message]) => {
    const { url, secret } = message as WebhookMessage;
    return { host: URL.canParse(url) ? new URL(url).host : '', secret };
  },
  'runs.start': ([request]) => {
    const { id, task } = request as { id: string; task: string };
    return { run: id, task };
  },
  'status.publish': ([page]) => {
    const files = Object.entries(page as Record<string, string>);
    return Object.fromEntries(files.map(([file, text]) => [file, { characters: text.length }]));
  },
};

/** Names, keys and sizes, never contents. */
export const argumentsOf = (effect: Effect, values: readonly unknown[]): unknown => describe[effect]?.(values);
