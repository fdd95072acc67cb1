import type { KpiDefinition } from '@genie/core/ports';

/** What every genie can be held to when its user named nothing: statements with citations, sources reached, tools that work. */
export function defaultKpis(): readonly KpiDefinition[] {
  return [
    {
      id: 'items-cited',
      name: 'Briefing items with a citation',
      unit: '%',
      direction: 'up',
      target: 100,
      failure: 80,
      cadence: 'run',
      aggregation: 'ratio',
      probe: { kind: 'citations' },
    },
    {
      id: 'sources-reached',
      name: 'Sources reached',
      unit: '%',
      direction: 'up',
      target: 100,
      failure: 50,
      cadence: 'run',
      aggregation: 'ratio',
      probe: { kind: 'sources' },
    },
    {
      id: 'tool-success',
      name: 'Tool calls that succeeded',
      unit: '%',
      direction: 'up',
      target: 95,
      failure: 70,
      cadence: 'run',
      aggregation: 'ratio',
      probe: { kind: 'tool-result', measure: 'success' },
    },
  ];
}
