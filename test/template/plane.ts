// The synthesised plane as the laws read it: resources by logical id, and what went into each bundle.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import type { Metafile } from 'esbuild';
import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { PlaneStack } from '#lib/stacks/plane-stack.ts';
import type { Stage } from '#lib/stages.ts';

export interface Resource {
  Type: string;
  Properties: Properties;
  DependsOn?: string[];
  DeletionPolicy?: string;
}
export type Properties = Record<string, unknown>;

export interface Plane {
  readonly stage: Stage;
  readonly template: { Resources: Record<string, Resource>; Outputs?: unknown; Conditions?: unknown };
  readonly bundles: Record<EntryPointName, Metafile>;
  /** What is deployed of each bundle, as text. */
  readonly code: Record<EntryPointName, string>;
}

/** A sentence about the plane, how to find what breaks it, and a change that must be found. */
export interface Law {
  readonly says: string;
  readonly broken: (plane: Plane) => string[];
  readonly planted: (plane: Plane) => void;
}

export const root = resolve(import.meta.dirname, '../..');
const cdkJson = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };

/** Synthesises one stage into a temporary folder, as `cdk synth` does with the flags of cdk.json. */
export function synthesise(stage: Stage): Plane {
  const outdir = mkdtempSync(join(tmpdir(), 'alphaswarm-template-'));
  try {
    const app = new App({ outdir, context: cdkJson.context, analyticsReporting: false });
    const stack = new PlaneStack(app, `AlphaSwarm-${stage.name}`, { stage, root });
    const template = structuredClone(app.synth().getStackByName(stack.stackName).template) as Plane['template'];
    const names = Object.keys(entryPoints) as EntryPointName[];
    const of = <T>(read: (folder: string) => T) =>
      Object.fromEntries(names.map((name) => [name, read(join(outdir, 'bundles', name))])) as Record<EntryPointName, T>;
    return { stage, template, bundles: of(readMeta), code: of(readCode) };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const readMeta = (folder: string): Metafile => JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as Metafile;
/** The code of an executor stands in the context of the image, a folder a family. */
function readCode(folder: string): string {
  const places = [join(folder, 'code'), join(dirname(folder), 'executor', basename(folder))];
  const code = places.find((place) => existsSync(place));
  if (code === undefined) throw new Error(`there is no code at ${places.join(' or ')}`);
  return readdirSync(code)
    .map((file) => readFileSync(join(code, file), 'utf8'))
    .join('\n');
}

/** Resources of one type, with their logical ids. */
export const ofType = ({ template }: Plane, type: string): (Resource & { id: string })[] =>
  Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === type)
    .map(([id, resource]) => ({ ...resource, id }));

/** The only resource of `type` whose property `key` reads `value`; its Properties are the template's own, to be changed. */
export function named(plane: Plane, type: string, value: string): Resource & { id: string } {
  const found = ofType(plane, type).filter(({ Properties }) =>
    nameKeys.some((key) => textOf(Properties[key]) === value),
  );
  if (found.length === 1 && found[0]) return found[0];
  throw new Error(`${found.length} resources of type ${type} are named ${value}`);
}
const nameKeys = ['QueueName', 'TableName', 'FunctionName', 'LogGroupName', 'Family', 'Name'];

/** A value of the template as one line: `${Id}` for Ref, `${Id.Arn}` for GetAtt, Join and Sub put together. */
export function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.map(textOf).join(',');
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': joined, 'Fn::Sub': sub } = value as Properties;
  if (typeof ref === 'string') return `\${${ref}}`;
  if (Array.isArray(attribute)) return `\${${attribute.join('.')}}`;
  if (Array.isArray(joined)) return (joined[1] as unknown[]).map(textOf).join(String(joined[0]));
  return sub === undefined ? JSON.stringify(value) : textOf(sub);
}

/** A property by its path, for reading: `at(queue.Properties, 'RedrivePolicy.maxReceiveCount')`. */
export const at = (properties: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], properties);

/** One line for each pair that differs: what is compared, what it is, what it should be. */
export const differences = (what: string, is: unknown, should: unknown): string[] => {
  const [left, right] = [is, should].map((value) => JSON.stringify(value));
  return left === right ? [] : [`${what} is ${left}, not ${right}`];
};

export const sorted = (values: Iterable<string>): string[] => [...values].toSorted();
