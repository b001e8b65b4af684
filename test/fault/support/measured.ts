/** Prints a figure that a test measured. Figures are for reading: no test asserts how fast a busy machine is. */
export function measured(what: string, value: number, unit: string): void {
  const rounded = Number.isInteger(value) ? String(value) : value.toFixed(1);
  // oxlint-disable-next-line no-console
  console.log(`measured: ${what}: ${rounded} ${unit}`);
}
