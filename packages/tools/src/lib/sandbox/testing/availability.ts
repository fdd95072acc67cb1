import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { createSandbox } from '../create-sandbox.ts';

/** Whether this machine has a sandbox, asked once; tests print the reason when it has none. */
export const availability = await probe();

async function probe(): Promise<{ readonly sandbox: boolean; readonly sandboxReason: string }> {
  using workspace = temporaryFolder();
  try {
    const sandbox = await createSandbox({ workspace: workspace.path });
    await sandbox.close();
    return { sandbox: true, sandboxReason: '' };
  } catch (error) {
    return { sandbox: false, sandboxReason: `(unsupported here: ${(error as Error).message})` };
  }
}
