import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../../../lib/config/parse-config';

const folder = join(__dirname, '../../../docs');

test.each(['litellm', 'openrouter', 'portkey'])('the configuration for who comes from %s is one', (from) => {
  const page = readFileSync(join(folder, `coming-from-${from}.md`), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!);
  expect(blocks).toHaveLength(1);
  const parsed = parseConfig(blocks[0]!, { environment: {} });
  expect(parsed).toMatchObject({ ok: true });
  if (parsed.ok)
    for (const { provider } of parsed.config.models) expect(parsed.config.providers).toHaveProperty([provider]);
});
