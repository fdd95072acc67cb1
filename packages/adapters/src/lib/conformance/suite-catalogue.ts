import type { BusCatalogue } from '../bus/catalogue.ts';

/** The catalogue that the bus suite expects: objects below `suite.case.`, but nothing that is forbidden. */
export const suiteCatalogue: BusCatalogue = (subject, payload) => {
  if (!subject.startsWith('suite.case.') || subject.endsWith('.forbidden')) return `there is no subject "${subject}"`;
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? undefined : 'it is no object';
};
