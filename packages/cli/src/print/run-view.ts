import type { EventOf, RunEvent, Usage } from '@genie/core/ports';
import type { Terminal } from '../lib/terminal/terminal.ts';
import { count, duration, number, usd } from './amounts.ts';
import { kpiLine } from './kpis.ts';
import { plainLine } from './style.ts';

/** What a run tells, and that another model stands in. */
export type ShownEvent = RunEvent | EventOf<'model.switched'>;

/** Shows a run while it happens. */
export interface RunView {
  show(event: ShownEvent): void;
  /** Takes the moving line off the screen. */
  end(): void;
}

export interface RunViewOptions {
  /** How the user names this genie in a command line; then what is held at the door comes with the command that decides it. */
  readonly words?: string;
}

/** JSON lines, moving lines on a terminal, plain lines elsewhere. Progress is a note: stdout stays free for the briefing. */
export function createRunView(terminal: Terminal, options: RunViewOptions = {}): RunView {
  if (terminal.json) return { show: (event) => terminal.printJson(event), end: () => undefined };
  return new TerminalRunView(terminal, options.words);
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

class TerminalRunView implements RunView {
  readonly #terminal: Terminal;
  readonly #words: string | undefined;

  /** What the phases found, for the line that is printed when they end. */
  #detail = '';
  #moving = '';
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #tokens = 0;
  #costUsd: number | undefined;

  constructor(terminal: Terminal, words: string | undefined) {
    this.#terminal = terminal;
    this.#words = words;
  }

  show(event: ShownEvent): void {
    const lines = this.#lines(event);
    if (lines.length > 0) this.#print(lines);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
  }

  #lines(event: ShownEvent): readonly string[] {
    const { noteStyle: style } = this.#terminal;
    switch (event.type) {
      case 'run.started':
        return [`${style.bold('run')} ${style.dim(event.runId)} · ${triggerWords(event)}`];
      case 'run.resumed':
        return [
          `${style.bold('run')} ${style.dim(event.runId)} · goes on after ${count(event.recordedSteps, 'recorded step')} and ${count(event.recordedCalls, 'recorded call')}`,
        ];
      case 'phase.started':
        this.#detail = '';
        this.#move(event.phase);
        return [];
      case 'phase.completed':
        return [this.#phaseLine(event)];
      default:
        return this.#workLines(event);
    }
  }

  #workLines(event: ShownEvent): readonly string[] {
    const { noteStyle: style } = this.#terminal;
    switch (event.type) {
      case 'gate.decided':
        this.#detail = event.reason;
        return [];
      case 'memory.recalled':
        this.#detail = count(event.items, 'memory', 'memories');
        return [];
      case 'plan.created':
        this.#detail = `${count(event.steps.length, 'step')} by ${event.modelId}`;
        return event.steps.map((step, index) => style.dim(`    ${index + 1}. ${plainLine(step, this.#room)}`));
      case 'step.started':
        this.#move(`execute · step ${event.step} · ${event.modelId}${this.#spent()}`);
        return [];
      case 'step.completed':
        this.#spend(event.usage, event.costUsd);
        return [];
      case 'tool.called':
        this.#move(`execute · ${event.tool}${this.#spent()}`);
        return [
          `    ${style.cyan('→')} ${event.tool} ${style.dim(plainLine(JSON.stringify(event.input), this.#room - event.tool.length))}`,
        ];
      case 'tool.progress':
        this.#move(`execute · ${event.tool}: ${plainLine(event.message, this.#room)}`);
        return [];
      case 'tool.completed':
        return [`    ${style.green('✓')} ${event.tool} ${style.dim(duration(event.tookMs))}`];
      case 'tool.failed':
        return [
          `    ${style.red('✗')} ${event.tool} ${plainLine(event.error.message, this.#room)} ${style.dim(`[${event.error.code}]`)}`,
        ];
      default:
        return this.#resultLines(event);
    }
  }

  #resultLines(event: ShownEvent): readonly string[] {
    const { noteStyle: style } = this.#terminal;
    switch (event.type) {
      case 'model.failed':
        return [
          `    ${style.yellow('!')} ${plainLine(event.error.message, this.#room)} ${style.dim(`[${event.error.code}]`)}`,
        ];
      case 'model.switched':
        return [
          `    ${style.yellow('!')} ${event.to} stands in for ${event.from}: ${style.dim(plainLine(event.reason, this.#room))}`,
        ];
      case 'budget.exceeded':
        return [
          `    ${style.yellow('!')} budget of ${event.limit} is spent: ${number(event.used)} of ${number(event.allowed)}`,
        ];
      case 'repeat.detected':
        return [`    ${style.yellow('!')} ${event.tool} was called ${event.times} times with the same arguments`];
      case 'approval.requested':
        return [
          `    ${style.yellow('?')} ${plainLine(event.title, this.#room)} ${style.dim('waits for you')}`,
          ...this.#decideLines(event),
        ];
      case 'approval.decided':
        return [
          `    ${event.status === 'denied' ? style.red('✗') : style.green('✓')} ${event.status}${event.by ? ` by ${event.by}` : ''}`,
        ];
      case 'kpi.observed':
        return [`    ${kpiLine(event.reading, style)}`];
      case 'outcome.judged':
        this.#detail = `probes say ${event.outcome}; the run claims ${event.claim}`;
        return [];
      case 'memory.stored':
        this.#detail = `${count(event.stored, 'memory', 'memories')} stored`;
        return [];
      case 'briefing.delivered':
        this.#detail = `"${plainLine(event.title, 60)}", ${count(event.items, 'item')}`;
        return [];
      default:
        return [];
    }
  }

  /** The run goes on while a connection is held, so it is decided elsewhere. */
  #decideLines({ source, approvalId }: EventOf<'approval.requested'>): readonly string[] {
    if (source !== 'egress' || this.#words === undefined) return [];
    return [
      `      in a second terminal: genie approve ${this.#words} ${approvalId} --allow-once`,
      `      ${this.#terminal.noteStyle.dim('or --allow-for-run, --allow-always, --deny, --deny-always; until then the connection waits')}`,
    ];
  }

  #phaseLine({ phase, tookMs }: EventOf<'phase.completed'>): string {
    const { noteStyle: style } = this.#terminal;
    const detail = phase === 'execute' ? this.#spent().replace(' · ', '') : this.#detail;
    this.#detail = '';
    return `  ${style.green('●')} ${style.bold(phase.padEnd(9))} ${plainLine(detail, this.#room)}${detail === '' ? '' : ' '}${style.dim(duration(tookMs))}`;
  }

  #spend(usage: Usage, costUsd: number | undefined): void {
    this.#tokens += usage.inputTokens + usage.outputTokens;
    if (costUsd !== undefined) this.#costUsd = (this.#costUsd ?? 0) + costUsd;
  }

  #spent(): string {
    const cost = this.#costUsd === undefined ? '' : ` · ${usd(this.#costUsd)}`;
    return this.#tokens === 0 ? '' : ` · ${number(this.#tokens)} tokens${cost}`;
  }

  get #room(): number {
    return Math.max(20, this.#terminal.width - 24);
  }

  #print(lines: readonly string[]): void {
    this.#clear();
    for (const line of lines) this.#terminal.note(line);
    this.#draw();
  }

  #move(text: string): void {
    if (!this.#terminal.notesAreLive) return;
    this.#moving = text;
    this.#timer ??= setInterval(() => this.#draw(), 90).unref();
    this.#draw();
  }

  #draw(): void {
    if (!this.#timer) return;
    this.#frame = (this.#frame + 1) % spinner.length;
    const { noteStyle: style, stderr, width } = this.#terminal;
    stderr.write(`\r\u001b[2K  ${style.cyan(spinner[this.#frame] ?? '')} ${plainLine(this.#moving, width - 6)}`);
  }

  #clear(): void {
    if (this.#moving !== '' && this.#terminal.notesAreLive) this.#terminal.stderr.write('\r\u001b[2K');
  }
}

function triggerWords({ trigger }: EventOf<'run.started'>): string {
  switch (trigger.kind) {
    case 'manual':
      return 'woken by hand';
    case 'schedule':
      return `woken by its schedule (due ${new Date(trigger.dueAt).toISOString()})`;
    case 'message':
      return 'woken by your message';
    case 'event':
      return `woken by the event ${trigger.name}`;
    default:
      return trigger satisfies never;
  }
}
