/** What the values of tables must be besides of their type: whoever follows such a table passes over the others. */
import type { TableChecks } from '../stream/table-checks';
import { topics } from '../topics/topics';
import { configFromJson } from './parse-config';

export const tableChecks: TableChecks = new Map([
  [topics.config.name, (applied) => void configFromJson((applied as { readonly json: string }).json)],
]);
