// index.html: one file, no script, nothing loaded from anywhere, so that it can be served under the strictest policy and
// read from a bucket when everything else is down.
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';
import { STATE_LETTERS } from '#engines/status/model.ts';
import type { ComponentState, Incident, Status, StatusHistory } from '#engines/status/model.ts';
import { inWords } from '#engines/status/observe.ts';
import { STYLE } from '#engines/status/style.ts';

const WORDS: Record<ComponentState, string> = {
  operational: 'Operational',
  degraded: 'Degraded',
  outage: 'Outage',
  halted: 'Halted',
  unknown: 'Unknown',
};

const HEADLINES: Record<ComponentState, string> = {
  operational: 'All systems operational',
  degraded: 'Some systems are degraded',
  outage: 'Outage',
  halted: 'Halted by the kill switch',
  unknown: 'No data yet',
};

const KINDS: { kind: Status['components'][number]['kind']; title: string }[] = [
  { kind: 'kill-switch', title: 'Kill switch' },
  { kind: 'queue', title: 'Queues' },
  { kind: 'schedule', title: 'Schedules' },
];

/** The whole page. */
export const renderPage = (status: Status, history: StatusHistory): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <meta name="color-scheme" content="light dark" />
        <title>${HEADLINES[status.overall]} - AlphaSwarm status</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <header class="${status.overall}">
          <h1>${HEADLINES[status.overall]}</h1>
          <p>AlphaSwarm background plane. As of ${time(status.generatedAt)}.</p>
        </header>
        <main>
          ${incidentSection('Open incidents', status.incidents.open, 'None.')}
          <section aria-labelledby="components">
            <h2 id="components">Components</h2>
            ${KINDS.map(({ kind, title }) => componentGroup(status, history, { kind, title }))} ${LEGEND}
          </section>
          ${scheduleSection(status)} ${incidentSection('Past incidents', status.incidents.recent, 'None on record.')}
        </main>
        <footer>
          <p>
            Times are UTC. For programs: <a href="status.json">status.json</a>, <a href="history.json">history.json</a>.
          </p>
        </footer>
      </body>
    </html> `.html;

const time = (iso: string): Html => html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')}</time>`;

const badge = (state: ComponentState): Html => html`<span class="badge ${state}">${WORDS[state]}</span>`;

const componentGroup = (status: Status, history: StatusHistory, group: (typeof KINDS)[number]): Html => {
  const components = status.components.filter((component) => component.kind === group.kind);
  if (components.length === 0) return html``;
  const rows = components.map((component) => {
    const past = history.components.find((each) => each.id === component.id);
    const days = past?.days.states ?? '';
    return html`<li>
      <div class="line"><span class="name">${component.name}</span>${badge(component.state)}</div>
      <p class="detail">${component.detail} Since ${time(component.since)}.</p>
      <div class="bars">
        ${bar('last samples', past?.recent ?? '', 60)}${days.length > 1 ? bar('last days', days, 90) : html``}
      </div>
    </li>`;
  });
  return html`<h3>${group.title}</h3>
    <ul class="components">
      ${rows}
    </ul>`;
};

const STATES = Object.keys(STATE_LETTERS) as ComponentState[];
const stateOf = (letter: string): ComponentState =>
  STATES.find((state) => STATE_LETTERS[state] === letter) ?? 'unknown';

const CELL_WIDTH = 4;

/** A strip of cells, newest at the right, with its meaning in words for those who do not see it. */
const bar = (title: string, letters: string, cells: number): Html => {
  const states = letters.split('').map(stateOf);
  const left = (cells - states.length) * CELL_WIDTH;
  const rects = states.map(
    (state, at) => html`<rect class="${state}" x="${left + at * CELL_WIDTH}" width="3" height="16" />`,
  );
  const counts = STATES.map((state) => ({ state, count: states.filter((each) => each === state).length }));
  const words = counts.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`);
  const label = `${states.length} ${title}: ${words.join(', ')}`;
  return html`<figure>
    <svg viewBox="0 0 ${cells * CELL_WIDTH} 16" preserveAspectRatio="none" role="img" aria-label="${label}">
      ${rects}
    </svg>
    <figcaption>${title}</figcaption>
  </figure>`;
};

const LEGEND = html`<p class="legend">${STATES.map((state) => html`${badge(state)} `)}</p>`;

const scheduleSection = (status: Status): Html => {
  const rows = status.schedules.map((schedule) => {
    const [last] = schedule.slots;
    if (last === undefined) return html``;
    const lateness = last.latenessMs === null ? '-' : inWords(last.latenessMs);
    return html`<tr>
      <th scope="row">${schedule.key}</th>
      <td>${schedule.task}</td>
      <td>${time(last.slot)}</td>
      <td>${last.state}</td>
      <td>${lateness}</td>
    </tr>`;
  });
  return html`<section aria-labelledby="schedules">
    <h2 id="schedules">Last slots</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="schedules">
      <table>
        <thead>
          <tr>
            <th scope="col">Schedule</th>
            <th scope="col">Task</th>
            <th scope="col">Slot</th>
            <th scope="col">State</th>
            <th scope="col">Lateness</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
};

const incidentSection = (title: string, incidents: readonly Incident[], none: string): Html => {
  const rows = incidents.map(
    (incident) =>
      html`<li>
        ${badge(incident.severity)} <span class="name">${incident.component}</span>
        <p class="detail">
          ${incident.detail} ${time(incident.startedAt)} to
          ${incident.endedAt === null ? 'now' : time(incident.endedAt)}.
        </p>
      </li>`,
  );
  const id = title.toLowerCase().replaceAll(' ', '-');
  const list =
    incidents.length === 0
      ? html`<p>${none}</p>`
      : html`<ul class="incidents">
          ${rows}
        </ul>`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${list}
  </section>`;
};
