// First: tracing has to be there before anything that could be traced.
import '../../lib/telemetry/preload';
// Before everything else is read.
import '../off-request-path';

import { niceSession } from '../give-way';
import { runProcess } from '../process';

niceSession();
void runProcess('dqn-trainer', process.env);
