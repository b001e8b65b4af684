// A field of a payload as a flag. Apart from what reads schemas: help and completion do without.

/** One value that a flag can give. */
export interface Field {
  /** Names of the properties that lead to it. */
  readonly path: readonly string[];
  readonly kinds: readonly Kind[];
  /** The only values there are. */
  readonly choices?: readonly string[];
  readonly default?: unknown;
  /** Whether a payload needs it, whatever else stands there. */
  readonly required: boolean;
  /** An object with any names: `--params.NAME`. */
  readonly open?: boolean;
}
/** `json`: what no flag can say otherwise, as JSON text. */
export type Kind = 'string' | 'number' | 'integer' | 'boolean' | 'json';

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `--broker.trade-on-close`; of an open field what comes before the name that is given. */
export const flagOf = ({ path, open }: Pick<Field, 'path' | 'open'>): string =>
  `--${path.map(kebab).join('.')}${open ? '.' : ''}`;
