const silence = (): void => undefined;

/** Without it the SDK prints its advice on configurations, such as a profile beside keys, among our words. */
export const SILENT = { debug: silence, info: silence, warn: silence, error: silence };
