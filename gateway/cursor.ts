import type * as z from 'zod';
import { Problem } from './problem.ts';

/** Where a page ended, as the next request says it back. What stands in it is ours to change. */
export const cursorOf = (position: unknown): string =>
  btoa(JSON.stringify(position)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** @throws Problem REQUEST_INVALID for what no answer of ours had. */
export function positionOf<T>(schema: z.ZodType<T>, cursor: string): T {
  const position = schema.safeParse(decoded(cursor));
  if (position.success) return position.data;
  const issues = [{ path: 'query.cursor', message: 'is none that was given' }];
  throw new Problem('REQUEST_INVALID', 'the cursor is none that was given: begin with the first page', { issues });
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return undefined;
  }
}
