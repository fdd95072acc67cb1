import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import { type Approvals, type JsonObject, parseJson } from '@genie/core/ports';
import { z } from 'zod';
import type { ToolChain, ToolChainStep } from './find-tool-chains.ts';

const stepSchema = z.object({
  tool: z.string(),
  fixed: z.record(z.string(), z.json()),
  fromStep: z.record(z.string(), z.number().int()),
  parameters: z.array(z.string()),
});
const fileSchema = z.object({
  version: z.literal(1),
  accepted: z.array(z.object({ id: z.string(), steps: z.array(stepSchema), approvalId: z.string() })),
  /** Ids of chains that the user does not want to be offered again. */
  refused: z.array(z.string()),
});
type Stored = z.output<typeof fileSchema>;

/** A chain of tools that the user accepted as a way of working. */
export interface Playbook {
  readonly id: string;
  readonly steps: readonly ToolChainStep[];
  /** The approval in which it was decided. */
  readonly approvalId: string;
}

export interface ChainDecision {
  readonly chain: ToolChain;
  readonly verdict: 'accept' | 'refuse';
  readonly genieId: string;
  /** Who decided, e.g. `cli`. */
  readonly by: string;
  readonly approvals: Approvals;
}

/** The playbooks of one genie. */
export interface Playbooks {
  accepted(): Promise<readonly Playbook[]>;
  /** What the user said about a chain; undefined when nothing yet. */
  verdictOn(id: string): Promise<'accepted' | 'refused' | undefined>;
  /** Records the decision as an approval of kind `mcp` that is bound to the exact steps, and keeps it. The last one counts. */
  decide(decision: ChainDecision): Promise<void>;
}

/** Playbooks in a file `playbooks.json` of `dir`. Rejects with `GENIE_MCP_STORE` when it is damaged. */
export function openPlaybooks({ dir }: { readonly dir: string }): Playbooks {
  const file = path.join(dir, 'playbooks.json');
  return {
    accepted: async () => (await read(file)).accepted,
    async verdictOn(id) {
      const { accepted, refused } = await read(file);
      return accepted.some((one) => one.id === id) ? 'accepted' : refused.includes(id) ? 'refused' : undefined;
    },
    async decide(decision) {
      const { id, steps } = decision.chain;
      const stored = await read(file);
      const approvalId = await recordDecision(decision);
      const accepted = stored.accepted.filter((one) => one.id !== id);
      const refused = stored.refused.filter((one) => one !== id);
      const isAccepted = decision.verdict === 'accept';
      await write(file, {
        version: 1,
        accepted: isAccepted
          ? [...accepted, { id, steps: structuredClone(steps) as Stored['accepted'][0]['steps'], approvalId }]
          : accepted,
        refused: isAccepted ? refused : [...refused, id],
      });
    },
  };
}

/** Gives the id of the approval. */
async function recordDecision({ chain, verdict, genieId, by, approvals }: ChainDecision): Promise<string> {
  const { id, steps, times, runs } = chain;
  const action = {
    kind: 'mcp' as const,
    genieId,
    subject: `playbook:${id}`,
    payload: { playbook: id, steps: structuredClone(steps) as unknown as JsonObject[] },
  };
  const title = `Use as a playbook: ${steps.map(({ tool }) => tool).join(', then ')}`;
  const row = await approvals.request({ action, title, claim: `Done ${times} times in ${runs} runs.` });
  const decided = await approvals.decide(row.id, { verdict: verdict === 'accept' ? 'allow-once' : 'deny', by });
  if (verdict === 'accept' && !(await approvals.consume(decided.id, action)))
    throw new GenieError('GENIE_APPROVAL_DECIDED', `The playbook ${id} was decided by somebody else meanwhile.`);
  return row.id;
}

async function read(file: string): Promise<Stored> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { version: 1, accepted: [], refused: [] };
  try {
    return fileSchema.parse(parseJson(text));
  } catch (error) {
    throw new GenieError('GENIE_MCP_STORE', `${file} is damaged. Remove it, and accept its playbooks anew.`, {
      cause: error,
    });
  }
}

async function write(file: string, stored: Stored): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, `${JSON.stringify(stored)}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
}
