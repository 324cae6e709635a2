/**
 * Gateways that others wrote, for the benchmark of the doors: LiteLLM's proxy from PyPI and Portkey's from npm, each in a folder
 * of its own below .cache. Installed only where the benchmark is asked for; what cannot be installed is left out and said.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './infra-file';
import { run } from './tools';

export const peerVersions = { litellm: '1.108.7', portkey: '1.15.2' } as const;
export type PeerName = keyof typeof peerVersions;

const folderOf = (name: PeerName): string => join(projectRoot, '.cache/gateway-peers', name);

/** The program of each, as arguments of a command line. */
export const peerPrograms: Readonly<Record<PeerName, readonly string[]>> = {
  litellm: [join(folderOf('litellm'), 'bin/litellm')],
  portkey: [process.execPath, join(folderOf('portkey'), 'node_modules/@portkey-ai/gateway/build/start-server.js')],
};

const installers: Readonly<Record<PeerName, (folder: string, version: string) => void>> = {
  litellm(folder, version) {
    run('python3', '-m', 'venv', folder);
    run(join(folder, 'bin/python'), '-m', 'pip', 'install', '--quiet', `litellm[proxy]==${version}`);
  },
  portkey(folder, version) {
    mkdirSync(folder, { recursive: true });
    run(
      ...(['npm', 'install', '--prefix', folder, '--no-save', '--no-fund', '--no-audit', '--ignore-scripts'] as const),
      `@portkey-ai/gateway@${version}`,
    );
  },
};

/** Null where it is there now; else why not, in the words of the installer. */
export function installPeer(name: PeerName): string | null {
  const folder = folderOf(name);
  const version = peerVersions[name];
  const installed = join(folder, 'installed.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === version) return null;
  try {
    rmSync(folder, { recursive: true, force: true });
    installers[name](folder, version);
    writeFileSync(installed, version);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
