// The list of what went wrong, and when. An incident stands from its first bad sample to its first good one.
import type { Incident } from '#engines/status/model.ts';

/** Closed incidents that are kept; open ones always are. */
const MAX_CLOSED_INCIDENTS = 100;

interface Fault {
  component: string;
  kind: Incident['kind'];
  severity: Incident['severity'];
  startedAt: string;
  detail: string;
}

const SEVERITIES: Incident['severity'][] = ['degraded', 'outage', 'halted'];

const isOpen = (incident: Incident, of: Pick<Fault, 'component' | 'kind'>): boolean =>
  incident.endedAt === null && incident.component === of.component && incident.kind === of.kind;

/** Opens an incident, or makes the open one of that component and kind as severe as the fault. */
export const openIncident = (incidents: readonly Incident[], fault: Fault): Incident[] => {
  if (!incidents.some((incident) => isOpen(incident, fault))) {
    const id = `${fault.component}/${fault.kind}/${fault.startedAt}`;
    return [...incidents, { id, ...fault, endedAt: null }];
  }
  return incidents.map((incident) => {
    const worsens = SEVERITIES.indexOf(fault.severity) > SEVERITIES.indexOf(incident.severity);
    if (!isOpen(incident, fault) || !worsens) return incident;
    return { ...incident, severity: fault.severity, detail: fault.detail };
  });
};

/** Closes the open incident of a component and kind, if there is one. */
export const closeIncident = (
  incidents: readonly Incident[],
  of: Pick<Fault, 'component' | 'kind'>,
  endedAt: string,
): Incident[] => incidents.map((incident) => (isOpen(incident, of) ? { ...incident, endedAt } : incident));

/** Forgets the oldest closed incidents beyond the bound. */
export const boundIncidents = (incidents: readonly Incident[]): Incident[] => {
  let surplus = incidents.filter((incident) => incident.endedAt !== null).length - MAX_CLOSED_INCIDENTS;
  return incidents.filter((incident) => {
    if (incident.endedAt === null || surplus <= 0) return true;
    surplus -= 1;
    return false;
  });
};
