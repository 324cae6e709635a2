import type { Connection } from './connect';
import type { Endpoint } from './endpoint';
import { alertEndpoints } from './routes/alerts';
import { analyticsEndpoints } from './routes/analytics';
import { answerEndpoints } from './routes/answers';
import { auditEndpoints } from './routes/audit';
import { budgetEndpoints } from './routes/budgets';
import { configEndpoints } from './routes/config';
import { configHistoryEndpoints } from './routes/config-history';
import { dashboardEndpoints } from './routes/dashboard';
import { decisionEndpoints } from './routes/decisions';
import { doorEndpoints } from './routes/doors';
import { experimentEndpoints } from './routes/experiments';
import { feedbackEndpoints } from './routes/feedback';
import { inspectEndpoints } from './routes/inspect';
import { keyEndpoints } from './routes/keys';
import { learningEndpoints } from './routes/learning';
import { liveEndpoints } from './routes/live';
import { meEndpoints } from './routes/me';
import { modelEndpoints } from './routes/models';
import { openapiEndpoint } from './routes/openapi';
import { processEndpoints } from './routes/process';
import { routeEndpoints } from './routes/route';
import { shadowEndpoints } from './routes/shadows';
import { weightsEndpoints } from './routes/weights';

/** All endpoints, as they are served and documented. */
export function endpointsOf({ context, doors }: Pick<Connection, 'context' | 'doors'>): Endpoint[] {
  const { calls, countTokens, serveKept } = doors;
  const endpoints = [
    ...doorEndpoints(calls, countTokens, serveKept),
    ...routeEndpoints(context),
    ...feedbackEndpoints(context, calls),
    ...decisionEndpoints(context),
    ...modelEndpoints(context),
    ...weightsEndpoints(context),
    ...learningEndpoints(context),
    ...configEndpoints(context),
    ...configHistoryEndpoints(context),
    ...budgetEndpoints(context),
    ...meEndpoints(context),
    ...keyEndpoints(context),
    ...auditEndpoints(context),
    ...alertEndpoints(context),
    ...analyticsEndpoints(context),
    ...inspectEndpoints(context),
    ...answerEndpoints(context),
    ...liveEndpoints(context),
    ...dashboardEndpoints(),
    ...experimentEndpoints(context),
    ...shadowEndpoints(context),
    ...processEndpoints(context),
  ];
  return [...endpoints, openapiEndpoint(endpoints)];
}
