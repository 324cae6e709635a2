import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../lib/telemetry/log';
import { createKeptItems } from '../../services/gateway/doors/kept/kept-items';
import { embeddedHome } from '../../services/home';
import { atEnd } from '../started';

const log = createLog({ level: 'silent' });
const entry = { response: null, provider: null, previous: null, items: [{ role: 'assistant', content: 'hello' }] };

test('what responses have said is there after a restart of the embedded home, in a twentieth of its limit', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'home-'));
  atEnd(() => rmSync(directory, { recursive: true }));
  const open = () => embeddedHome({ directory, maxBytes: 20 * 1_048_576 });
  let home = open();
  expect(home.keptItems!.maxBytes).toBe(1_048_576);
  createKeptItems({ clock: home.clock, log, share: home.keptItems! }).keep('acme', new Map([['msg_1', entry]]));
  // Nobody is told when it is written.
  while ((await home.keyValue.keys('said/', 1)).length === 0) await new Promise((resolve) => setImmediate(resolve));
  await home.close();
  home = open();
  const after = createKeptItems({ clock: home.clock, log, share: home.keptItems! });
  expect((await after.find('acme', ['msg_1'], 1_000))!.get('msg_1')).toMatchObject(entry);
  await home.close();
});
