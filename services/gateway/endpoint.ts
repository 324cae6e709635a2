/** What an endpoint is: its handler and its documentation in one place, so that neither exists without the other. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { KeyDesk } from '../../lib/access/key-desk';
import type { KeyRows } from '../../lib/access/known-keys';
import type { SilenceDesk } from '../../lib/alerts/silence-desk';
import type { WindowStore } from '../../lib/analytics/window-store';
import type { RouterClient } from '../../lib/client/router-client';
import type { ConfigWriter } from '../../lib/config/apply-config';
import type { CurrentConfig } from '../../lib/config/current-config';
import type { RouterConfig } from '../../lib/config/router-config';
import type { Clock } from '../../lib/ports/clock';
import type { LearnedPolicy } from '../../lib/routing/judge/strategy';
import type { View } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  Alert,
  AlertSilence,
  BudgetState,
  ConfigVersion,
  ExperimentState,
  KeptAnswer,
  ModelProfile,
  RouteDecided,
  RouteOpened,
  Tuning,
  WeightsAnswer,
  WeightsCommand,
} from '../../lib/topics/generated/messages';
import type { KnownWeights } from '../../lib/weights/read-weights';
import type { AnswerKeeper } from './answers/keep-answers';
import type { GatewaySettings } from './config';
import type { SearchedLog } from './decisions/find-decision';
import type { DecisionLookup } from './decisions/look-up-decision';
import type { RecentDecisions } from './decisions/recent-decisions';
import type { ReportedOutcomes } from './decisions/reported-outcomes';
import type { ErrorForm } from './doors/error-form';
import type { JsonSchema } from './http/avro-json-schema';
import type { ErrorCode } from './http/http-error';
import type { PolicyJudge } from './learning/judge-apart';
import type { LearningVitals } from './learning/learning-vitals';
import type { StudiedPolicy } from './learning/study-policy-in-force';
import type { FeedbackWatch } from './learning/watch-feedback';
import type { LiveHub } from './live/live-hub';
import type { StandbyState } from './standby/standby-state';

/** A message of the topics by name, a zod schema, or plain text. */
export type ResponseBody =
  | { readonly message: string }
  | { readonly schema: z.ZodType }
  | { readonly contentType: string };

export interface RequestBody {
  /** Of application/json; more than one where the body may have either shape. */
  readonly schemas: readonly z.ZodType[];
  /** Without a body, everything in it has its default. */
  readonly required: boolean;
  /** What may be sent instead of JSON. */
  readonly yaml?: JsonSchema;
}

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As in OpenAPI: parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required: boolean;
    readonly doc: string;
    /** What run time demands of it. */
    readonly schema: JsonSchema;
  }[];
  readonly body?: RequestBody;
  readonly responses: Readonly<Record<number, { readonly doc: string; readonly body: ResponseBody }>>;
  /** Errors it may answer beside `internal`. */
  readonly errors: readonly ErrorCode[];
  /** What errors look like; `own` where it is left out. */
  readonly errorForm?: ErrorForm;
  /** Whether its body may hold pictures and documents, and be as large as `maxCallBytes`. */
  readonly takesFiles?: boolean;
  /** Whether it is answered while the log cannot be reached; by default it is not. */
  readonly standsBy?: boolean;
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

export interface RequestUnderWay {
  readonly decided: Promise<RouteDecided>;
  /** Asked for only when the same id comes again. */
  readonly contentHash: () => string;
}

/** Why services of this process could not run under a configuration; none where they could, or run elsewhere. */
export type FaultsHere = (config: RouterConfig) => readonly { readonly field: string; readonly message: string }[];

/** What endpoints work with. */
export interface GatewayContext {
  readonly id: string;
  readonly clock: Clock;
  readonly createId: () => string;
  readonly metrics: Metrics;
  readonly settings: GatewaySettings;
  readonly client: RouterClient;
  /** The configuration in force; null before the first. */
  readonly config: () => CurrentConfig | null;
  readonly configWriter: ConfigWriter;
  readonly faultsHere: FaultsHere;
  /** Every version that was in force, the newest first. */
  readonly configHistory: () => Promise<readonly ConfigVersion[]>;
  readonly profiles: View<ModelProfile>;
  readonly tuning: View<Tuning>;
  /** How budget accounts stand. */
  readonly budgets: View<BudgetState>;
  /** How experiments stand. */
  readonly experiments: View<ExperimentState>;
  /** Resolves once this gateway has read that version of the configuration back, so that who reads after a change sees it. */
  readonly untilInForce: (version: number) => Promise<void>;
  readonly weights: {
    /** Null where nobody has said how learning is. */
    readonly vitals: () => Promise<LearningVitals | null>;
    /** As the log has them now. */
    readonly read: () => Promise<KnownWeights>;
    /** Null when the trainer does not answer in time. */
    readonly ask: (command: WeightsCommand) => Promise<WeightsAnswer | null>;
  };
  readonly alerts: {
    readonly view: View<Alert>;
    readonly silences: View<AlertSilence>;
    readonly desk: SilenceDesk;
  };
  readonly analytics: {
    /** Windows as this gateway has followed them. */
    readonly store: WindowStore;
    readonly judge: PolicyJudge;
  };
  /** What the policy in force goes by; null before there is one. */
  readonly policyStudy: () => Promise<StudiedPolicy | null>;
  /** What a decision was made from. */
  readonly inspect: {
    readonly opened: (decisionId: string, routingKey: string) => Promise<RouteOpened | null>;
    /** Null where there were none, or they are gone. */
    readonly weights: (opened: RouteOpened) => Promise<LearnedPolicy | null>;
    /** What was answered, as it was kept; null where it was not. */
    readonly answer: (decision: RouteDecided) => Promise<KeptAnswer | null>;
  };
  readonly answers: AnswerKeeper;
  readonly live: {
    readonly hub: LiveHub;
    /** Whether as many watch as may. */
    readonly isFull: boolean;
  };
  readonly recent: RecentDecisions;
  /** Whether feedback comes. */
  readonly feedback: FeedbackWatch;
  /** Requests that wait for their decision, by id: sent again meanwhile, a request waits for the same one. */
  readonly underWay: Map<string, RequestUnderWay>;
  /** Looks at memory first and then at the newest records of the log. */
  readonly findDecision: (decisionId: string, routingKey: string | null) => Promise<RouteDecided | null>;
  /** Finds the decision of a report. */
  readonly lookup: DecisionLookup;
  /** Where decisions and the audit trail lie. */
  readonly search: SearchedLog;
  readonly keyDesk: KeyDesk;
  /** Keys of callers as this gateway has read them. */
  readonly keyRows: KeyRows;
  /** What this gateway was told of its decisions lately. */
  readonly reported: ReportedOutcomes;
  /** Decisions made before were reported on to others: what was said is in the log alone. */
  readonly startedAtMs: number;
  /** What is not ready yet; empty when everything is. */
  readonly waitingFor: () => readonly string[];
  /** What is known while the log cannot be reached; null for a gateway that has it. */
  readonly standby: StandbyState | null;
  /** Further facts for /health. */
  readonly status: () => Readonly<Record<string, unknown>>;
}
