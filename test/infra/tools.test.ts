import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTools, type System, type Tool } from '../../infra/tools';

let bin: string;
let system: System;

/** Programs that stand in for the system's: each writes down how it was called. */
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'quantum-router-tools-'));
  system = { isRoot: true, env: { PATH: bin }, servicePolicy: join(bin, 'policy') };
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(bin, { recursive: true });
});

function standIn(program: string, script: string): void {
  writeFileSync(join(bin, program), `#!/bin/sh\necho "${program} $*" >> ${bin}/calls\n${script}\n`);
  chmodSync(join(bin, program), 0o755);
}
const calls = (): string[] => readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n');

const tool = (present: () => boolean): Tool => ({ name: 'Some tool', packages: ['first', 'second'], present });

it('does nothing when everything is there', () => {
  standIn('apt-get', 'exit 0');
  installTools([tool(() => true)], system);
  expect(calls).toThrow('ENOENT');
});

it('says what is missing where it may not install', () => {
  standIn('apt-get', 'exit 0');
  expect(() => installTools([tool(() => false)], { ...system, isRoot: false })).toThrow(
    'These programs are missing; install them and try again:\n  Some tool (Debian and Ubuntu: first)',
  );
  expect(calls).toThrow('ENOENT');
});

it('installs as root the first package that the system knows', () => {
  standIn('apt-get', '');
  standIn('apt-cache', '[ "$2" = second ]');
  let looks = 0;
  installTools([tool(() => looks++ > 0)], system);
  expect(calls()).toEqual([
    'apt-get --version',
    'apt-get update -qq',
    'apt-cache show first',
    'apt-cache show second',
    'apt-get install -y -qq --no-install-recommends second',
  ]);
});

it('keeps the packages from starting services, but only while it installs', () => {
  standIn('apt-get', `if [ "$1" = install ]; then ${bin}/policy; echo "services $?" >> ${bin}/calls; fi`);
  standIn('apt-cache', '');
  let looks = 0;
  installTools([tool(() => looks++ > 0)], system);
  expect(calls()).toContain('services 101');
  expect(existsSync(system.servicePolicy)).toBe(false);
});

it("passes on apt's own words when it fails", () => {
  standIn('apt-get', 'if [ "$1" = update ]; then echo "no network" >&2; exit 100; fi');
  expect(() => installTools([tool(() => false)], system)).toThrow('apt-get update failed: no network');
});
