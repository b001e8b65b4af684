// What an emulator does with a resource type of our template. Whatever it does not do has a filler, or is said to have none.

export type Fate =
  /** It is made, and works. */
  | { readonly fate: 'supported' }
  /** It is made, and then does nothing by itself. */
  | { readonly fate: 'idle'; readonly filledBy: string }
  /** CloudFormation is told to pass over it. */
  | { readonly fate: 'skipped'; readonly filledBy: string }
  /** The `emulator` stage does without it. */
  | { readonly fate: 'left out'; readonly filledBy: string };

export interface Profile {
  readonly name: string;
  readonly version: string;
  /** By resource type; a name that ends in `::` or `*` stands for all that begin so. The longest name wins. */
  readonly resources: Readonly<Record<string, Fate>>;
  /** Parts that are no resource type, and what stands in for them. */
  readonly parts: readonly Hole[];
}

/** Something that the emulator does not do, and what does it instead. */
export interface Hole {
  readonly what: string;
  readonly why: string;
  readonly filledBy: string;
}

/** What becomes of a type; undefined for one that nobody has looked at yet. */
export function fateOf(profile: Profile, type: string): Fate | undefined {
  const names = Object.keys(profile.resources).filter((name) => stands(name, type));
  const longest = names.toSorted((one, other) => other.length - one.length)[0];
  return longest === undefined ? undefined : profile.resources[longest];
}

const stands = (name: string, type: string): boolean =>
  name.endsWith('::') ? type.startsWith(name) : name.endsWith('*') ? type.startsWith(name.slice(0, -1)) : type === name;
