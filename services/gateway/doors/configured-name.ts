/** The configured model that a caller means by a provider's own alias of it. */
import { isJson } from '../../../lib/providers/any-json';
import { upstreamNameOf } from '../../../lib/providers/bill-call';

interface Named {
  readonly name: string;
  readonly upstreamModel?: string | undefined;
}

const date = /^[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$/;

/**
 * The body with the configured name of its model, where it names none but an alias: `claude-x` and `claude-x-latest` stand for
 * `claude-x-20250101` and, where several are configured, for the newest. The other way round would be another model than was asked.
 */
export function withConfiguredName(body: unknown, models: readonly Named[]): unknown {
  if (!isJson(body) || typeof body['model'] !== 'string') return body;
  const { model: asked } = body;
  if (asked === 'auto' || asked.startsWith('auto/') || models.some(({ name }) => name === asked)) return body;
  const base = asked.replace(/-latest$/, '');
  const meant = models
    .flatMap((model) => {
      const dated = [model.name, upstreamNameOf(model)].find(
        (name) => name.startsWith(base) && date.test(name.slice(base.length)),
      );
      return dated === undefined ? [] : [{ name: model.name, dated }];
    })
    .sort((one, other) => (one.dated < other.dated ? 1 : -1));
  return meant.length === 0 ? body : { ...body, model: meant[0]!.name };
}
