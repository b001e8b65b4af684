// The dashboards of the template as pages: one file each, no script, nothing loaded from anywhere, drawn from the series and
// the log lines of this plane. What CloudWatch would show of the same body, without CloudWatch.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';
import { STYLE } from '#engines/status/style.ts';
import { readBody, type Widget } from '#local/dashboard/body.ts';
import type { DashboardSpec } from '#local/dashboard/resources.ts';
import { DASHBOARD_STYLE } from '#local/dashboard/style.ts';
import { draw, type Sources } from '#local/dashboard/widgets.ts';
import type { Plane } from '#local/plane.ts';

/**
 * Writes `<name>.html` into `folder` for each dashboard of the plane's template, and returns the paths. The plane may go on
 * running, or may have stopped. Throws TEMPLATE_UNSUPPORTED with the widget that cannot be drawn here.
 */
export function renderDashboards(
  plane: Pick<Plane, 'resources' | 'metrics' | 'logs' | 'clock'>,
  folder: string,
): string[] {
  mkdirSync(folder, { recursive: true });
  const sources = sourcesOf(plane);
  return plane.resources.dashboards.map((spec) => {
    const file = join(folder, `${spec.name}.html`);
    writeFileSync(file, dashboardPage(spec, sources));
    return file;
  });
}

function sourcesOf({ resources, metrics, logs, clock }: Parameters<typeof renderDashboards>[0]): Sources {
  const nowMs = clock.now();
  const sinceMs = metrics
    .series()
    .flatMap(({ points }) => points)
    .reduce((first, { atMs }) => Math.min(first, atMs), nowMs);
  return {
    metrics,
    nowMs,
    sinceMs,
    linesOf: (logGroup) =>
      resources.functions.flatMap((spec) => (spec.logGroup === logGroup ? logs.of(spec.name) : [])),
  };
}

/** The whole page. Throws TEMPLATE_UNSUPPORTED. */
export function dashboardPage(spec: DashboardSpec, sources: Sources): string {
  const dashboard = readBody(spec);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <meta name="color-scheme" content="light dark" />
        <title>${dashboard.name} - AlphaSwarm dashboard</title>
        <style>
          ${STYLE} ${DASHBOARD_STYLE}
        </style>
      </head>
      <body>
        <header>
          <h1>${dashboard.name}</h1>
          <p>
            The dashboard of the template with the series of the local plane, ${time(sources.sinceMs)} to
            ${time(sources.nowMs)} by the plane's clock.
          </p>
        </header>
        <main>${dashboard.widgets.map((widget) => section(widget, draw(widget, dashboard, sources)))}</main>
        <footer><p>Times are UTC. A number beside a name is that of the whole range.</p></footer>
      </body>
    </html> `.html;
}

const section = ({ type, x, width }: Widget, content: Html): Html =>
  html`<section class="widget ${type}" style="--x:${x + 1};--w:${width}">${content}</section>`;

const time = (atMs: number): Html => {
  const iso = new Date(atMs).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')}</time>`;
};
