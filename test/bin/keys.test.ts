/** `quantum-router keys` and `audit` on an embedded store, and on the gateway of an engine that has it open. */
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

const run = (argv: string, environment: Record<string, string> = {}) =>
  place.run(argv.split(' '), { environment: { USER: 'ann', ...environment } });

interface Listed {
  readonly keyId: string;
  readonly name: string;
  readonly state: string;
  readonly role: string;
  readonly models: string[] | null;
  readonly endsAtMs: number | null;
}
const listed = async (where: string, environment?: Record<string, string>): Promise<Listed[]> =>
  JSON.parse((await run(`keys list --json ${where}`, environment)).stdout);

test('on the store of a stopped engine, a new one too: the key alone is on stdout, and every change is in the audit trail', async () => {
  const admin = await run('keys create ops --role admin --data-dir store');
  expect(admin.stdout).toMatch(/^qr_[0-9a-f]{12}_[\w-]{43}\n$/);
  expect(admin.stderr).toMatch(/\(ops\), admin; keep it now/);
  const shop = await run(
    'keys create shop --tenant shop --models a,b --requests-per-minute 60 --burst 5 --expires 90d --data-dir store',
  );
  const [, { keyId, endsAtMs, ...rest }] = (await listed('--data-dir store')) as [Listed, Listed];
  expect(rest).toMatchObject({ name: 'shop', role: 'caller', tenantId: 'shop', models: ['a', 'b'], burst: 5 });
  expect(shop.stdout).toContain(keyId);
  expect(endsAtMs! - Date.now()).toBeGreaterThan(89 * 86_400_000);
  const rotated = await run(`keys rotate ${keyId} --grace 12h --data-dir store`);
  expect(rotated.exitCode).toBe(0);
  expect((await run(`keys revoke ${keyId} --data-dir store`)).stdout).toBe(`${keyId} (shop) is revoked\n`);
  const table = await run('keys list --data-dir store');
  expect(table.stdout).toMatch(/revoked/);
  expect(table.stdout).not.toMatch(/qr_/);
  const audit = await run('audit --data-dir store');
  expect(audit.stdout).toMatch(/command line \(ann\) +keys\.revoke/);
  const [newest] = (await run('audit --limit 1 --json --data-dir store')).stdout.split('\n');
  expect(JSON.parse(newest!)).toMatchObject({ action: 'keys.revoke', target: keyId });
});

test.each([
  ['keys create k --role god --data-dir store', 2, 'caller, viewer, operator, admin'],
  ['keys create k --role admin --tenant t --data-dir store', 1, 'tenantId'],
  ['keys create k --expires soon --data-dir store', 2, '90d, 12h or 30m'],
  ['keys revoke nonsense --data-dir store', 1, 'there is no key "nonsense"'],
  ['keys list --data-dir nowhere', 1, 'there is no store in nowhere'],
  ['keys list --data-dir store --kafka localhost:1', 2, 'one of --url, --data-dir and --kafka'],
  ['serve --tls-cert cert.pem', 2, '--tls-cert and --tls-key go together'],
])('%s is refused with what is wrong', async (argv, exitCode, message) => {
  const ran = await run(argv);
  expect([ran.exitCode, ran.stderr.replace(/\s+/g, ' ')]).toEqual([exitCode, expect.stringContaining(message)]);
});

test('at a running gateway: the key of the commands comes from the environment', async () => {
  const secret = (await run('keys create first --role admin --data-dir served')).stdout.trim();
  const stop = new AbortController();
  let stderr = '';
  let ready: (url: string) => void = () => {};
  const isReady = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const serving = place.run(['serve', '--port', '0', '--data-dir', 'served', '--log-level', 'silent'], {
    stop,
    onStderr(text) {
      stderr = text;
      const url = /ready on (\S+)/.exec(text)?.[1];
      if (url) ready(url);
    },
  });
  const url = await Promise.race([isReady, serving.then(() => Promise.reject(new Error(stderr)))]);
  const own = { QUANTUM_ROUTER_KEY: secret };
  try {
    const without = await run(`keys list --url ${url}`);
    expect([without.exitCode, without.stderr]).toEqual([1, expect.stringContaining('QUANTUM_ROUTER_KEY')]);
    const made = (await run(`keys create app --url ${url}`, own)).stdout.trim();
    expect((await listed(`--url ${url}`, own)).map(({ name }) => name)).toEqual(['first', 'app']);
    const refused = await run(`keys list --url ${url}`, { QUANTUM_ROUTER_KEY: made });
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('the role caller may not do this')]);
    expect((await run(`audit --url ${url}`, own)).stdout).toMatch(/key [0-9a-f]{12} \(first\) +keys\.create/);
    const locked = await run('keys list --data-dir served');
    expect([locked.exitCode, locked.stderr]).toEqual([1, expect.stringContaining('ask its gateway with --url')]);
  } finally {
    stop.abort();
    await serving;
  }
});
