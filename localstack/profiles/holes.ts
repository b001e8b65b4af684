import type { Assembly } from '#local/assembly.ts';
import { PlaneError } from '#local/errors.ts';
import { fateOf, type Hole, type Profile } from './profile.ts';

/** A resource that the emulator does not make, or that does nothing there. */
export interface Skip extends Hole {
  readonly type: string;
  readonly fate: 'idle' | 'skipped';
}

const reasons = {
  idle: 'it is stored and never acts',
  skipped: 'the emulator does not know the type',
} as const;

/**
 * Every resource of the assembly that the emulator does not make or does not run, with what fills the hole. Throws
 * TEMPLATE_UNSUPPORTED for a type that the profile does not know, or that the stage should have left out.
 */
export function skipsOf(assembly: Assembly, profile: Profile): Skip[] {
  const resources = assembly.stacks.flatMap(({ resources: all }) => [...all.values()]);
  return resources.flatMap(({ logicalId, type, stack }): Skip[] => {
    const fate = fateOf(profile, type);
    const where = `${stack.name}: resource ${logicalId} is of type ${type}`;
    if (!fate)
      throw new PlaneError(
        'TEMPLATE_UNSUPPORTED',
        `${where}, which localstack/profiles/${profile.name}.ts does not list. Deploy one, see what becomes of it, and list it there.`,
      );
    if (fate.fate === 'left out')
      throw new PlaneError(
        'TEMPLATE_UNSUPPORTED',
        `${where}, which ${profile.name} ${profile.version} fails to make. Leave it out of the emulator's stage in lib/stages.ts.`,
      );
    if (fate.fate === 'supported') return [];
    return [{ what: logicalId, type, why: reasons[fate.fate], ...fate }];
  });
}

/** What is missing whatever the template holds: parts of the emulator, and types that the stage leaves out. */
export function alwaysMissing(profile: Profile): Hole[] {
  const leftOut = Object.entries(profile.resources).flatMap(([what, fate]): Hole[] =>
    fate.fate === 'left out' ? [{ what, why: "it is not in the emulator's stage", filledBy: fate.filledBy }] : [],
  );
  return [...profile.parts, ...leftOut];
}

/** Throws where a value reads `unknown`, which is what the emulator says of attributes of resources that it skipped. */
export function refuseUnknown(values: Readonly<Record<string, string>>, of: string): void {
  for (const [name, value] of Object.entries(values)) {
    if (!/(^|[^a-z])unknown($|[^a-z])/i.test(value)) continue;
    throw new PlaneError(
      'TEMPLATE_UNSUPPORTED',
      `${of} ${name} reads ${JSON.stringify(value)}: it is made of a resource that the emulator skipped. Leave it out of the emulator's stage in lib/stages.ts, or give its value from outside.`,
    );
  }
}
