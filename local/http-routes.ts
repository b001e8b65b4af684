// Which route of an HTTP API answers a request: of those that match, the most specific. A literal segment goes before a
// variable, a variable before a greedy one, read from the left; then a method before ANY; `$default` is last.
// (API Gateway, "Routing API requests".)

export interface RouteMatch<Route> {
  route: Route;
  /** Decoded; absent where the route has no variables. */
  pathParameters?: Record<string, string>;
}

interface Candidate<Route> extends RouteMatch<Route> {
  /** The lower, the more specific; compared as text. */
  rank: string;
}

/** `path` is as it came, without its query. Throws URIError for an escape that is none. */
export function matchRoute<Route extends { key: string }>(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteMatch<Route> | undefined {
  const segments = segmentsOf(path).map(decodeURIComponent);
  const [best] = routes
    .flatMap((route) => candidateOf(route, method, segments) ?? [])
    .toSorted((one, other) => (one.rank < other.rank ? -1 : 1));
  if (!best) return undefined;
  const { route, pathParameters = {} } = best;
  return Object.keys(pathParameters).length > 0 ? { route, pathParameters } : { route };
}

function candidateOf<Route extends { key: string }>(
  route: Route,
  method: string,
  segments: string[],
): Candidate<Route> | undefined {
  if (route.key === '$default') return { route, rank: 'last' };
  const [wanted, path = ''] = route.key.split(' ');
  if (wanted !== 'ANY' && wanted !== method) return undefined;
  const found = matchSegments(segmentsOf(path), segments);
  return found && { route, pathParameters: found.variables, rank: `${found.rank}${wanted === 'ANY' ? 'b' : 'a'}` };
}

const segmentsOf = (path: string): string[] => path.split('/').slice(1);

/** Of each segment of the route its rank: 0 literal, 1 variable, 2 greedy. */
function matchSegments(
  pattern: string[],
  segments: string[],
): { variables: Record<string, string>; rank: string } | undefined {
  const variables: Record<string, string> = {};
  let rank = '';
  for (const [index, part] of pattern.entries()) {
    const [, name, greedy] = /^\{([^}+]+)(\+?)\}$/.exec(part) ?? [];
    const given = greedy ? segments.slice(index).join('/') : segments[index];
    if (given === undefined || (name === undefined ? given !== part : given === '')) return undefined;
    if (name !== undefined) variables[name] = given;
    rank += rankOf(name, greedy);
    if (greedy) return { variables, rank };
  }
  return segments.length === pattern.length ? { variables, rank } : undefined;
}

function rankOf(name: string | undefined, greedy: string | undefined): string {
  if (name === undefined) return '0';
  return greedy ? '2' : '1';
}
