import { describeThrown, type ErrorRecord, GenieError, toErrorRecord } from '@genie/core/errors';
import type { GenieFile } from '@genie/core/home';
import type { Approvals, LanguageModel, Toolbox } from '@genie/core/ports';
import type { GenieSettings } from '../compose/genie-settings.ts';
import type { QuietGate } from '../compose/source-gate.ts';
import type { OpenServerOptions } from './open-server.ts';

export interface OpenServersOptions {
  readonly options: Pick<OpenServerOptions, 'home' | 'environment' | 'clock' | 'signal'> & {
    readonly onWarning?: (warning: ErrorRecord) => void;
  };
  readonly file: GenieFile;
  readonly settings: Pick<GenieSettings, 'mcp'>;
  readonly approvals: Approvals;
  readonly door: OpenServerOptions['door'];
  readonly model: LanguageModel;
}

/** The MCP servers of a genie, for its composition root. */
export interface Servers {
  /** Connects to what is not connected yet. Never rejects. */
  ready(): Promise<void>;
  extend(toolbox: Toolbox): Toolbox;
  /** Adds the servers' documents to what the wake gate compares. */
  watch(gate: QuietGate): QuietGate;
  close(): Promise<void>;
}

/** Undefined for a genie without servers, which then loads nothing of MCP. Starts nothing yet. */
export async function openServers(deps: OpenServersOptions): Promise<Servers | undefined> {
  const { options, file, settings, approvals, door, model } = deps;
  if (Object.keys(settings.mcp).length === 0) return undefined;
  const [{ createMcpHub }, { openServer }, { withMcpSources }] = await Promise.all([
    import('./mcp-hub.ts'),
    import('./open-server.ts'),
    import('./mcp-gate.ts'),
  ]);
  const { home, environment, clock, signal, onWarning } = options;
  const onFailure = (name: string, error: unknown): void => {
    const code = GenieError.isInstance(error) ? error.code : 'GENIE_MCP_UNREACHABLE';
    const message = `The genie goes on without the MCP server ${name}: ${describeThrown(error)}`;
    onWarning?.(toErrorRecord(new GenieError(code, message, { cause: error }), code));
  };
  const hub = createMcpHub({
    servers: settings.mcp,
    open: (name, server) =>
      openServer({ home, genieId: file.id, name, server, environment, approvals, model, door, clock, signal }),
    onFailure,
  });
  return {
    ready: hub.ready,
    extend: hub.extend,
    watch: (gate) => ({ ...gate, wakeGate: withMcpSources({ gate: gate.wakeGate, hub }) }),
    close: hub.close,
  };
}
