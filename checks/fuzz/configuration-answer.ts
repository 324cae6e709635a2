/** What `config validate` and PUT /v1/config make of a file. */
import { parseConfig } from '../../lib/config/parse-config';
import { type Fault, fault } from './findings';

const maxIssues = 1_000;

/** Never an exception, and where the file is refused, a list that says why, of a length that somebody can read. */
export function validateAndParse(text: string): Fault[] {
  try {
    const parsed = parseConfig(text);
    if (parsed.ok) return [];
    if (parsed.errors.length === 0) return [fault('refused without a reason')];
    const found: Fault[] = [];
    if (parsed.errors.length > maxIssues) found.push(fault('more than 1,000 issues'));
    const unclear = parsed.errors.find(({ message, line, column }) => message === '' || !(line >= 1) || !(column >= 1));
    if (unclear) found.push(fault('an issue without a place or a message', JSON.stringify(unclear)));
    return found;
  } catch (error) {
    return [fault('parsing throws', (error as Error).message)];
  }
}
