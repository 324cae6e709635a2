/**
 * How large a configuration may be. Text is held to these limits before it is parsed, since a parser needs minutes for
 * what a few kilobytes can describe; everything else that reads a configuration shares them.
 */

import { topics } from '../topics/topics';
import { maxModels } from './router-config';

export const configLimits = {
  /** UTF-8 bytes of the text. */
  maxBytes: 262_144,
  /** Keys of all maps together, as written. */
  maxKeys: 5_000,
  /** Tokens of the text: keys, values, indicators, spaces and comments. */
  maxTokens: 60_000,
  /** Maps and lists within one another. */
  maxDepth: 32,
  /** Columns that a line may be indented by, which bounds how deep maps in block style can be before they are parsed. */
  maxIndent: 200,
  /** Values after aliases and merge keys have been followed. */
  maxValues: 50_000,
  maxModels,
  /** Entries of one list or table of names, such as the capabilities of a model. */
  maxNames: 64,
} as const;

/** A record of a request must hold the prompt and everything beside it; this much is kept for the rest. */
const besideThePromptBytes = 100_000;

/** The largest `limits.maxPromptBytes`: a longer prompt would not fit into a record of `route.requested`. */
export const largestPromptBytes = topics.routeRequested.maxRecordBytes - besideThePromptBytes;
