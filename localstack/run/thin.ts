// The assembly that an emulator is given: the synthesised one without the resources that the profile skips. What refers to
// them gets the very value that our fillers answer to (an event rule matches on the ARN of the cluster that local/tasks.ts
// runs). Left in, they would be passed over in silence and their references read `unknown`.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Assembly, Resource, Stack } from '#local/assembly.ts';
import { createResolver } from '#local/resolver.ts';
import type { Addresses } from '#local/resource-types.ts';
import type { Skip } from '../profiles/holes.ts';

export interface ThinOptions {
  readonly assembly: Assembly;
  readonly skipped: readonly Skip[];
  readonly addresses: Addresses;
  /** Where the copy goes. */
  readonly dir: string;
}

type Template = Record<string, unknown> & { Resources: Record<string, Record<string, unknown>> };
/** What `Ref` (attribute `Ref`) or `Fn::GetAtt` of a resource that is left out gives; undefined for any other. */
type Stand = (logicalId: string, attribute: string) => string | undefined;

/** Writes the copy and returns its folder. Throws TEMPLATE_UNSUPPORTED for an attribute that the local plane cannot tell. */
export function thinAssembly({ assembly, skipped, addresses, dir }: ThinOptions): string {
  rmSync(dir, { recursive: true, force: true });
  cpSync(assembly.dir, dir, { recursive: true });
  const resolver = createResolver(assembly, addresses);
  for (const stack of assembly.stacks) {
    const absent = absentIn(stack, skipped);
    const file = join(dir, relative(assembly.dir, stack.templateFile));
    const template = JSON.parse(readFileSync(file, 'utf8')) as Template;
    const stand: Stand = (logicalId, attribute) => {
      const resource = absent.get(logicalId);
      return resource && resolver.attribute(resource, attribute);
    };
    const thin = thinTemplate(template, new Set(absent.keys()), stand);
    writeFileSync(file, JSON.stringify(withParameters(thin, addresses.parameters ?? {}), null, 1));
  }
  withoutImages(dir);
  return dir;
}

function absentIn(stack: Stack, skipped: readonly Skip[]): Map<string, Resource> {
  const names = new Set(skipped.flatMap(({ fate, what }) => (fate === 'skipped' ? [what] : [])));
  return new Map([...stack.resources].filter(([logicalId]) => names.has(logicalId)));
}

/** The template without the resources of `absent`, and with `stand` wherever they were referred to. */
export function thinTemplate(template: Template, absent: ReadonlySet<string>, stand: Stand): Template {
  const kept = Object.entries(template.Resources).filter(([logicalId]) => !absent.has(logicalId));
  const without = kept.map(([logicalId, { DependsOn, ...rest }]) => {
    const left = namesOf(DependsOn).filter((name) => !absent.has(name));
    return [logicalId, left.length > 0 ? { ...rest, DependsOn: left } : rest] as const;
  });
  return replaced({ ...template, Resources: Object.fromEntries(without) }, stand) as Template;
}

/** The template with the plane's answers as the defaults of its parameters: nobody gives them at the deployment. */
function withParameters(template: Template, given: Readonly<Record<string, string>>): Template {
  const declared = template['Parameters'] as Record<string, object> | undefined;
  if (!declared) return template;
  const entries = Object.entries(declared).map(([name, parameter]) => [
    name,
    Object.hasOwn(given, name) ? { ...parameter, Default: given[name] } : parameter,
  ]);
  return { ...template, Parameters: Object.fromEntries(entries) };
}

const namesOf = (dependsOn: unknown): string[] =>
  [dependsOn].flat().filter((name): name is string => typeof name === 'string');

function replaced(value: unknown, stand: Stand): unknown {
  if (Array.isArray(value)) return value.map((item) => replaced(item, stand));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? [];
  if (entries.length === 1 && name !== undefined) {
    const found = standIn(name, argument, stand);
    if (found !== undefined) return found;
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, replaced(item, stand)]));
}

function standIn(name: string, argument: unknown, stand: Stand): unknown {
  if (name === 'Ref' && typeof argument === 'string') return stand(argument, 'Ref');
  if (name === 'Fn::GetAtt') {
    const [logicalId = '', ...attribute] = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
    return stand(logicalId, attribute.join('.'));
  }
  if (name === 'Fn::Sub' && typeof argument === 'string') {
    const filled = argument.replaceAll(/\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}/g, (whole, logicalId, attribute) =>
      String(stand(String(logicalId), attribute === undefined ? 'Ref' : String(attribute)) ?? whole),
    );
    return filled === argument ? undefined : { 'Fn::Sub': filled };
  }
  return undefined;
}

/** Images belong to task definitions, which run here as processes: there is no registry to push to, and no Docker. */
function withoutImages(dir: string): void {
  for (const name of readdirSync(dir).filter((file) => file.endsWith('.assets.json'))) {
    const file = join(dir, name);
    const assets = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...assets, dockerImages: {} }, null, 1));
  }
}
