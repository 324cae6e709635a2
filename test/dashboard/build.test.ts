import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDashboard, maxGzipBytes } from '../../dashboard/build';

test('what a browser has to load stays small, and names nothing from elsewhere', () => {
  const target = mkdtempSync(join(tmpdir(), 'quantum-router-dashboard-'));
  try {
    const bytes = buildDashboard(target);
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThan(maxGzipBytes);
    const page = readFileSync(join(target, 'index.html'), 'utf8');
    expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)).toEqual(
      expect.arrayContaining(['dashboard/app.js', 'dashboard/app.css']),
    );
    expect(page).not.toMatch(/https?:\/\//);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
});
