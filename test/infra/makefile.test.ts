import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../infra/infra-file';

test('make installs nothing through a link: npm would empty what it points to', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-make-'));
  try {
    const [checkout, shared] = ['checkout', 'shared'].map((name) => join(directory, name)) as [string, string];
    mkdirSync(join(checkout, '.cache'), { recursive: true });
    mkdirSync(join(shared, 'kept'), { recursive: true });
    for (const name of ['Makefile', 'package.json', 'package-lock.json'])
      symlinkSync(join(projectRoot, name), join(checkout, name));
    writeFileSync(join(checkout, '.cache/node-ok'), '');
    symlinkSync(shared, join(checkout, 'node_modules'));
    const { status, stderr } = spawnSync('make', ['install'], { cwd: checkout, encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^node_modules is a link, and npm ci would empty what it points to/);
    expect(existsSync(join(shared, 'kept'))).toBe(true);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
