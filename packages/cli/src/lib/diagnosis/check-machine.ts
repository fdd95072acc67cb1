import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describeThrown, toErrorRecord } from '@genie/core/errors';
import { explainContainment } from '@genie/egress';
import type { Environment } from '@genie/inference';
import { createSandbox } from '@genie/tools';
import { bytes } from '../../print/amounts.ts';
import type { Check } from './check.ts';
import { checkModels } from './check-models.ts';

const oldestNode = [22, 18] as const;

/** What does not depend on a home. Nothing leaves the machine but one question to a local model server. */
export async function checkMachine(homes: string, environment: Environment): Promise<readonly Check[]> {
  const checks = await Promise.all([
    checkNode(),
    checkFolder(homes),
    checkDisk(homes),
    checkClock(),
    checkGit(),
    checkSandbox(),
    checkEgress(),
    ...(await checkModels(environment)),
  ]);
  return checks;
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
  const detail = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return isOld
    ? { name: 'node', status: 'fail', detail, fix: `Install Node ${oldestNode.join('.')} or newer.` }
    : { name: 'node', status: 'ok', detail };
}

function checkFolder(homes: string): Check {
  let folder = homes;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    accessSync(folder, constants.R_OK | constants.W_OK);
    return {
      name: 'homes',
      status: 'ok',
      detail: folder === homes ? `${homes} is readable and writable` : `${homes} will be made`,
    };
  } catch (error) {
    return {
      name: 'homes',
      status: 'fail',
      detail: `${folder} cannot be used (${describeThrown(error)})`,
      fix: 'Change its permissions, or set GENIE_HOME.',
    };
  }
}

const scarceBytes = 500_000_000;

function checkDisk(homes: string): Check {
  let folder = homes;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    const detail = `${bytes(free)} free at ${folder}`;
    return free < scarceBytes
      ? { name: 'disk', status: 'warn', detail, fix: 'Make room: a full disk stops runs (they can be resumed).' }
      : { name: 'disk', status: 'ok', detail };
  } catch (error) {
    return { name: 'disk', status: 'warn', detail: describeThrown(error) };
  }
}

/** A clock that was never set breaks schedules and certificates. */
function checkClock(): Check {
  const now = new Date();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const detail = `${now.toISOString()}, time zone ${zone}`;
  return now.getUTCFullYear() < 2026
    ? { name: 'clock', status: 'warn', detail, fix: 'Set the clock: this version is newer than that.' }
    : { name: 'clock', status: 'ok', detail };
}

async function checkGit(): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: 5_000 });
    return { name: 'git', status: 'ok', detail: stdout.trim() };
  } catch {
    return {
      name: 'git',
      status: 'warn',
      detail: 'git was not found',
      fix: 'Install git to use checkouts as sources.',
    };
  }
}

async function checkSandbox(): Promise<Check> {
  const workspace = mkdtempSync(join(tmpdir(), 'genie-doctor-'));
  try {
    const sandbox = await createSandbox({ workspace });
    const { capabilities } = sandbox;
    await sandbox.close();
    const stops = [
      capabilities.isolatesFiles && 'files',
      capabilities.isolatesNetwork && 'network',
      capabilities.isolatesProcesses && 'processes',
      capabilities.limitsMemory && 'memory',
    ].filter(Boolean);
    return {
      name: 'sandbox',
      status: 'ok',
      detail: `${capabilities.name} confines ${stops.join(', ')}; it does not stop: ${capabilities.doesNotStop.join('; ') || 'nothing known'}`,
    };
  } catch (error) {
    const { code, message } = toErrorRecord(error, 'GENIE_SANDBOX_UNAVAILABLE');
    return {
      name: 'sandbox',
      status: 'warn',
      detail: `${message} [${code}]`,
      fix: 'Without a sandbox genies run no commands; everything else works.',
    };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

async function checkEgress(): Promise<Check> {
  const { isAvailable, missing } = await explainContainment();
  if (isAvailable)
    return {
      name: 'egress',
      status: 'ok',
      detail:
        'grade in-process for what tools and models fetch, grade contained for commands: they have no other route',
    };
  return {
    name: 'egress',
    status: 'warn',
    detail: `grade in-process: what tools and models fetch passes the filter; commands get no network at all (${missing.join('; ')})`,
    fix: 'Without it commands run without a network; everything else works.',
  };
}
