import type { ConformanceSuite } from '@genie/core/conformance';
import { accessCases } from './orchestrator-access-cases.ts';
import { isolationCases } from './orchestrator-isolation-cases.ts';
import { lifeCases } from './orchestrator-life-cases.ts';
import type { OrchestratorSetup } from './orchestrator-setup.ts';

/**
 * What every orchestrator has to keep. Capabilities a case may need are those of `OrchestratorCapabilities`: `pause`, `terminal`, `logs`,
 * `stats`, `health`, `events`, `archivesStopped`, `limits`, `isolates`.
 */
export const orchestratorSuite: ConformanceSuite<OrchestratorSetup> = {
  port: 'Orchestrator',
  cases: [...lifeCases, ...accessCases, ...isolationCases],
};
