/** What the values of tables must be besides of their type: whoever follows such a table passes over the others. */
import { checkKeyChange } from '../access/known-keys';
import type { TableChecks } from '../stream/table-checks';
import type { AccessKeyChange } from '../topics/generated/messages';
import { topics } from '../topics/topics';
import { configFromJson } from './parse-config';

export const tableChecks: TableChecks = new Map([
  [topics.accessKeys.name, (change) => checkKeyChange(change as AccessKeyChange)],
  [topics.config.name, (applied) => void configFromJson((applied as { readonly json: string }).json)],
]);
