// How times, sizes and states are written.
import type { Cell, Style } from './output.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeText(sizeBytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, sizeBytes)) / 10));
  const value = sizeBytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

export function secondsText(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`;
}

/** To the second, as everywhere in UTC. */
export const timeText = (instant: string): string => `${instant.slice(0, 19).replace('T', ' ')}Z`;

const styles: Readonly<Record<string, Style>> = {
  succeeded: 'green',
  running: 'cyan',
  queued: 'blue',
  held: 'yellow',
  skipped: 'yellow',
  cancelled: 'yellow',
  failed: 'red',
  dead: 'red',
  clear: 'green',
  halted: 'red',
  unknown: 'red',
  ready: 'green',
  'not-ready': 'red',
};
export const stateCell = (state: string): Cell => ({ text: state, style: styles[state] ?? 'reset' });

export const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** Who did it, and for whom. */
export const actorText = ({
  id,
  onBehalfOf,
}: {
  readonly id: string;
  readonly onBehalfOf?: string | undefined;
}): string => (onBehalfOf === undefined ? id : `${id} for ${onBehalfOf}`);
