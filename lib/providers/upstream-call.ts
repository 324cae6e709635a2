/** A call of a provider, and what comes back of it. */
import type { ApiName, ProviderConfig } from '../config/provider-config';
import type { Ending } from './ending';

export interface UpstreamCall {
  /** Its name in the configuration. */
  readonly provider: string;
  readonly config: ProviderConfig;
  /** That the caller has called, whose words the body and the answer are in. */
  readonly api: ApiName;
  /** By which it reaches the provider (`apiThrough`); another than `api` is put into its words. */
  readonly through: ApiName;
  /** Below the address of the provider, with its query; default: that of the API. */
  readonly path?: string;
  /** POST where it is left out. */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** JSON; '' where nothing is sent. */
  readonly body: string;
  /** What an answer is called that is put together here, in the words of another API than the provider's; by default it has no name of its own. */
  readonly answerId?: string;
  /** What such an answer says that it goes on from, where the body has that written out; by default nothing. */
  readonly goesOnFrom?: string | null;
  /** Fields of the body that the caller has not written himself, and that are left out where they are refused. */
  readonly hints?: readonly string[];
  readonly isStream: boolean;
  /** Headers of the caller that belong to the API, such as anthropic-beta. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the caller has gone, or with the UpstreamError that the call is to end with. */
  readonly signal: Ending;
  /** How long the whole call may take beside the time-outs of its provider. */
  readonly limitMs: number;
}

/** One event of a stream, or a comment that keeps the connection alive. */
export interface StreamEvent {
  readonly event: string | null;
  /** Null for a comment. */
  readonly data: string | null;
  /** A comment that stands for what the model has thought and the API has no word for: it has begun. */
  readonly isThought?: true;
}

export interface UpstreamAnswer {
  /** The provider's own id of the call, for its support. */
  readonly upstreamRequestId: string | null;
}
export interface WholeAnswer extends UpstreamAnswer {
  readonly text: string;
}
export interface StreamAnswer extends UpstreamAnswer {
  readonly events: EventStream;
}

/** Reads no faster than it is read. */
export interface EventStream {
  /** The events that came together, at least one; null at the end. Rejects with an UpstreamError where the stream breaks. */
  next(): Promise<readonly StreamEvent[] | null>;
  /** Ends the call, wherever it is. May be called again. */
  close(): void;
  /** Whatever still comes is of no use to anybody: ends the call, so that its connection can serve again where it is through soon. */
  leave(): void;
}
