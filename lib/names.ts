/** The cell stands in every physical name, so that two cells can share an account. */
export const planeName = (cell: string, part: string): string => `alphaswarm-${cell}-${part}`;
