import type { Permission, Tool, ToolContext } from '@genie/core';
import { GenieError } from '@genie/core/errors';

/**
 * Whether a granted permission covers a wanted one. `*` after a colon covers everything of that kind, `net:*.example.com`
 * every host below, `fs:write` also `fs:read`.
 */
export function covers(granted: Permission, wanted: Permission): boolean {
  if (granted === wanted || granted === '*') return true;
  const [kind = '', what = ''] = splitPermission(granted);
  const [wantedKind, wantedWhat = ''] = splitPermission(wanted);
  if (kind !== wantedKind) return false;
  if (what === '*') return true;
  if (kind === 'net') return what.startsWith('*.') && wantedWhat.endsWith(what.slice(1)) && !wantedWhat.startsWith('*');
  return kind === 'fs' && what === 'write' && wantedWhat === 'read';
}

function splitPermission(permission: Permission): [string, string] {
  const colon = permission.indexOf(':');
  return colon < 0 ? [permission, ''] : [permission.slice(0, colon), permission.slice(colon + 1).toLowerCase()];
}

/** What a tool wants and was not granted. */
export function missingPermissions(tool: Tool, granted: readonly Permission[]): readonly Permission[] {
  return tool.permissions.filter((wanted) => !granted.some((one) => covers(one, wanted)));
}

/**
 * The context of a call with only what the tool declared: `fetch` reaches the hosts of its `net:` permissions, memory is
 * there with a `memory:` permission. Read when used, because a context makes its parts late.
 */
export function confineContext(tool: Tool, context: ToolContext): ToolContext {
  const hosts = tool.permissions.filter((permission) => permission.startsWith('net:'));
  const seesMemory = tool.permissions.some((permission) => permission.startsWith('memory:'));
  if (seesMemory && hosts.includes('net:*')) return context;
  return new ConfinedContext(context, tool.name, { hosts, seesMemory });
}

class ConfinedContext implements ToolContext {
  readonly tool: string;
  readonly #context: ToolContext;
  readonly #allowed: { readonly hosts: readonly Permission[]; readonly seesMemory: boolean };

  constructor(
    context: ToolContext,
    tool: string,
    allowed: { readonly hosts: readonly Permission[]; readonly seesMemory: boolean },
  ) {
    this.#context = context;
    this.tool = tool;
    this.#allowed = allowed;
  }

  get runId(): string {
    return this.#context.runId;
  }

  get callId(): string {
    return this.#context.callId;
  }

  get genieId(): string {
    return this.#context.genieId;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get memory(): NonNullable<ToolContext['memory']> {
    return (this.#allowed.seesMemory ? this.#context.memory : undefined) as NonNullable<ToolContext['memory']>;
  }

  get approvals(): NonNullable<ToolContext['approvals']> {
    return this.#context.approvals as NonNullable<ToolContext['approvals']>;
  }

  get progress(): ToolContext['progress'] {
    return this.#context.progress;
  }

  get fetch(): typeof globalThis.fetch {
    return async (input, init) => {
      const host = hostOf(input);
      if (!this.#allowed.hosts.some((permission) => covers(permission, `net:${host}`))) {
        throw new GenieError(
          'GENIE_PERMISSION_DENIED',
          `Tool "${this.tool}" wanted to reach ${host}, but it only declares ${this.#allowed.hosts.join(', ') || 'no net permission'}: add "net:${host}" to its permissions.`,
        );
      }
      return this.#context.fetch(input, init);
    };
  }
}

function hostOf(input: Parameters<typeof globalThis.fetch>[0]): string {
  const address = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
  return URL.canParse(address) ? new URL(address).hostname.toLowerCase() : 'an address that is none';
}
