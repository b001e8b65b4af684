/** The template as text for a file: keys sorted, and asset hashes, which change with every line of code, numbered. */
export function normalised(template: unknown): string {
  const hashes: string[] = [];
  const text = JSON.stringify(template, sortKeys, 2).replaceAll(/\b[0-9a-f]{64}\b/g, (hash) => {
    if (!hashes.includes(hash)) hashes.push(hash);
    return `<asset ${hashes.indexOf(hash) + 1}>`;
  });
  return `${text}\n`;
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
