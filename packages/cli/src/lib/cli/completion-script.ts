import type { Flags } from './command.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export interface CompletionWord {
  readonly name: string;
  readonly summary: string;
  readonly flags: Flags;
}

/** Names of genies come from `genie list --names`, so that they are those of this moment. */
export function completionScript(shell: Shell, commands: readonly CompletionWord[]): string {
  return { bash, zsh, fish }[shell](commands);
}

function flagNames({ flags }: CompletionWord): string {
  return Object.keys(flags)
    .map((name) => `--${name}`)
    .join(' ');
}

function bash(commands: readonly CompletionWord[]): string {
  const cases = commands.map((one) => `    ${one.name}) flags="${flagNames(one)}" ;;`);
  return `# bash completion for genie
_genie() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$current"))
    return
  fi
  case "$command" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$(genie list --names 2>/dev/null)" -- "$current")) ;;
  esac
}
complete -o default -F _genie genie`;
}

function zsh(commands: readonly CompletionWord[]): string {
  const described = commands.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''")}'`);
  const cases = commands.map((one) => `    ${one.name}) compadd -- ${flagNames(one)} ;;`);
  return `#compdef genie
_genie() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  if [[ "$PREFIX" != -* ]]; then
    compadd -- \${(f)"$(genie list --names 2>/dev/null)"}
    _files
    return
  fi
  case "\${words[2]}" in
${cases.join('\n')}
  esac
}
if [ "\${funcstack[1]}" = "_genie" ]; then _genie "$@"; else compdef _genie genie; fi`;
}

function fish(commands: readonly CompletionWord[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, summary, flags }) => [
    `complete -c genie -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ...Object.entries(flags).map(
      ([flag, { help, short, type }]) =>
        `complete -c genie -n '__fish_seen_subcommand_from ${name}' -l ${flag}${short ? ` -s ${short}` : ''}${type === 'boolean' ? '' : ' -r'} -d ${quote(help)}`,
    ),
  ]);
  return [
    '# fish completion for genie',
    ...lines,
    "complete -c genie -n 'not __fish_use_subcommand' -a '(genie list --names 2>/dev/null)'",
  ].join('\n');
}
