/** Orders texts by their code units, alike on every machine whatever its language. */
export const byText = (a: string, b: string): number => Number(a > b) - Number(a < b);
