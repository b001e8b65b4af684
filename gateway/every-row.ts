import { routes, shortcutRow, shortcuts, type RouteRow } from '#core/catalogue/routes.ts';

/** Every row, of whichever door. */
export const everyRow: readonly RouteRow[] = [...Object.values(routes), ...shortcuts.map(shortcutRow)];
