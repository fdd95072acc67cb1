export type { BusCatalogue, CatalogueOptions } from './lib/bus/catalogue.ts';
export { createCatalogue, subjectOfEvent } from './lib/bus/catalogue.ts';
export type { MemoryBusOptions } from './lib/bus/memory-bus.ts';
export { createMemoryBus } from './lib/bus/memory-bus.ts';
