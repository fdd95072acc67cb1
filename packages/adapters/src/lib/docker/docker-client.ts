import type { Duplex, Readable } from 'node:stream';

/** The part of dockerode that is used. An instance of `Docker` fits. */
export interface DockerClient {
  createContainer(options: DockerCreate): Promise<DockerContainer>;
  getContainer(id: string): DockerContainer;
  getVolume(name: string): { remove(options?: object): Promise<unknown> };
  listContainers(options: {
    readonly all: boolean;
    readonly filters: string;
  }): Promise<readonly { readonly Id: string; readonly Labels: Readonly<Record<string, string>> }[]>;
  listVolumes(options: { readonly filters: string }): Promise<{
    readonly Volumes:
      | readonly { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> | null }[]
      | null;
  }>;
  getEvents(options: { readonly since: string; readonly filters: string }): Promise<unknown>;
  getImage(name: string): { inspect(): Promise<unknown> };
  buildImage(context: Readable, options: DockerBuild): Promise<unknown>;
  ping(): Promise<unknown>;
}

export interface DockerBuild {
  readonly t: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkmode: string;
  readonly forcerm: boolean;
}

export interface DockerContainer {
  readonly id: string;
  start(): Promise<unknown>;
  stop(options: { readonly t: number }): Promise<unknown>;
  kill(options?: { readonly signal?: string }): Promise<unknown>;
  pause(): Promise<unknown>;
  unpause(): Promise<unknown>;
  remove(options: { readonly force: boolean; readonly v: boolean }): Promise<unknown>;
  inspect(): Promise<DockerInspection>;
  wait(): Promise<{ readonly StatusCode: number }>;
  attach(options: DockerAttach): Promise<unknown>;
  exec(options: DockerExecCreate): Promise<DockerExec>;
  logs(options: {
    readonly follow: false;
    readonly stdout: true;
    readonly stderr: true;
    readonly tail?: number;
  }): Promise<unknown>;
  stats(options: { readonly stream: false; readonly 'one-shot': true }): Promise<unknown>;
  getArchive(options: { readonly path: string }): Promise<unknown>;
}

export interface DockerAttach {
  readonly stream: true;
  readonly hijack: true;
  readonly stdin: boolean;
  readonly stdout: true;
  readonly stderr: true;
}

export interface DockerExec {
  start(options: { readonly hijack: true; readonly stdin: true; readonly Tty: boolean }): Promise<unknown>;
  resize(options: { readonly w: number; readonly h: number }): Promise<unknown>;
  inspect(): Promise<{ readonly Running: boolean; readonly ExitCode: number | null }>;
}

export interface DockerExecCreate {
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir?: string;
  readonly Tty: boolean;
  readonly AttachStdin: true;
  readonly AttachStdout: true;
  readonly AttachStderr: true;
}

export interface DockerCreate {
  readonly name: string;
  readonly Image: string;
  readonly Cmd: string[];
  readonly Env: string[];
  readonly User: string;
  readonly WorkingDir: string;
  readonly Hostname: string;
  readonly Labels: Record<string, string>;
  readonly OpenStdin?: boolean;
  readonly StdinOnce?: boolean;
  readonly AttachStdin?: boolean;
  readonly Healthcheck?: { readonly Test: string[]; readonly Interval: number; readonly Retries: number };
  readonly HostConfig: DockerHostConfig;
  readonly abortSignal?: AbortSignal;
}

export interface DockerHostConfig {
  readonly Init: true;
  readonly ReadonlyRootfs: true;
  readonly CapDrop: string[];
  readonly SecurityOpt: string[];
  readonly NetworkMode: 'none';
  readonly IpcMode: 'private';
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly NanoCpus?: number;
  readonly PidsLimit: number;
  readonly Ulimits: { Name: string; Soft: number; Hard: number }[];
  readonly LogConfig: { Type: string; Config: Record<string, string> };
  readonly Mounts: DockerMount[];
  readonly Tmpfs: Record<string, string>;
}

export interface DockerMount {
  readonly Type: 'bind' | 'volume';
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly VolumeOptions?: {
    NoCopy: boolean;
    Labels: Record<string, string>;
    DriverConfig: { Name: string; Options: Record<string, string> };
  };
}

export interface DockerInspection {
  readonly Id: string;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string } | undefined;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
}

/** A stream of the client as what Node makes of it. The client's own types say `ReadableStream`, what it gives is a Node stream. */
export function asReadable(stream: unknown): Readable {
  return stream as Readable;
}

export function asDuplex(stream: unknown): Duplex {
  return stream as Duplex;
}
