/** How bad a finding about a server or a stage is, in SARIF's words (SARIF 2.1.0 section 3.27.10). */
export type FindingSeverity = 'error' | 'warning' | 'note';

export const WORST_FIRST: readonly FindingSeverity[] = ['error', 'warning', 'note'];
