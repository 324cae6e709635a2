/** Programs of the system that the local servers and tests run on: looked for, installed where that is allowed, or named. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fetchKafkaJars } from './kafka-jars';

export interface Tool {
  /** What to tell somebody who has to install it by hand. */
  readonly name: string;
  /** Debian packages, any of which provides it; the first that the system knows is taken. */
  readonly packages: readonly string[];
  present(): boolean;
}

/** Java, Maven, redis-server and Kafka's jars: all that local-servers.ts needs. Throws, saying what to install. */
export function installServers(): void {
  installTools([java, maven, redisServer]);
  fetchKafkaJars();
}

const java: Tool = {
  name: 'Java 17 or newer',
  packages: ['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'default-jre-headless'],
  present() {
    // Version 8 and older call themselves 1.8.
    const [, version] = /version "(\d+)/.exec(spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr ?? '') ?? [];
    return Number(version) >= 17;
  },
};
const maven: Tool = { name: 'Maven', packages: ['maven'], present: () => runs('mvn', '--version') };
const redisServer: Tool = {
  name: 'redis-server',
  packages: ['redis-server'],
  present: () => runs('redis-server', '--version'),
};

/** The browser that looks at the dashboard. */
export function installBrowser(): void {
  installTools([chromium]);
}

const chromium: Tool = {
  name: 'Chromium',
  packages: ['chromium', 'chromium-browser'],
  present: () => browserProgram() !== null,
};

/** The browser's name; null where there is none. */
export function browserProgram(): string | null {
  return ['chromium', 'chromium-browser', 'google-chrome'].find((name) => runs(name, '--version')) ?? null;
}

/** What checks the rules of Prometheus as Prometheus itself would; of no use to anything else. */
export function installPromtool(): void {
  installTools([promtool]);
}

const promtool: Tool = { name: 'promtool', packages: ['prometheus'], present: () => promtoolIsThere() };

export function promtoolIsThere(): boolean {
  return runs('promtool', '--version');
}

/** A proxy as people have it in front of the gateway, for the test that reaches the dashboard through one. */
export function installProxy(): void {
  installTools([nginx]);
}

const nginx: Tool = { name: 'nginx', packages: ['nginx-light', 'nginx'], present: () => proxyIsThere() };

export function proxyIsThere(): boolean {
  return runs('nginx', '-v');
}

/** Whether the program can be started and ends well. */
export function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Runs the program to its end and returns what it wrote. Throws with its own words when it fails. */
export function run(program: string, ...args: string[]): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${args.join(' ')} failed: ${error?.message ?? `${stdout}${stderr}`.trim().slice(-2_000)}`,
  );
}

/** What installing touches outside of this project. */
export interface System {
  readonly isRoot: boolean;
  /** The environment that apt runs in. */
  readonly env: NodeJS.ProcessEnv;
  /** The file that Debian asks before a package may start its service. */
  readonly servicePolicy: string;
}

const thisSystem = (): System => ({
  isRoot: process.getuid?.() === 0,
  env: process.env,
  servicePolicy: '/usr/sbin/policy-rc.d',
});

/** Installs what is missing where this process is root and apt-get is there; throws, naming what is missing, elsewhere. */
export function installTools(tools: readonly Tool[], system = thisSystem()): void {
  const missing = tools.filter((tool) => !tool.present());
  if (missing.length === 0) return;
  if (system.isRoot && spawnSync('apt-get', ['--version'], { env: system.env }).status === 0) {
    installPackages(missing, system);
  }
  const still = missing.filter((tool) => !tool.present());
  if (still.length === 0) return;
  const lines = still.map((tool) => `  ${tool.name} (Debian and Ubuntu: ${tool.packages[0]})`);
  throw new Error(`These programs are missing; install them and try again:\n${lines.join('\n')}`);
}

function installPackages(tools: readonly Tool[], system: System): void {
  apt(system, 'update', '-qq');
  const isKnown = (name: string) => spawnSync('apt-cache', ['show', name], { env: system.env }).status === 0;
  const packages = tools.map((tool) => tool.packages.find(isKnown) ?? tool.packages[0]!);
  const allowServices = forbidServices(system.servicePolicy);
  try {
    apt(system, 'install', '-y', '-qq', '--no-install-recommends', ...packages);
  } finally {
    allowServices();
  }
}

function apt(system: System, ...args: string[]): void {
  process.stderr.write(`apt-get ${args.join(' ')}\n`);
  const env = { ...system.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`apt-get ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`.trim().slice(-2_000)}`);
}

/**
 * redis-server's package would start a service on 6379; only the program is wanted. 101 answers that services must not
 * be started. Returns what takes the ban back.
 */
function forbidServices(policy: string): () => void {
  if (existsSync(policy)) return () => {};
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}
