// First: tracing has to be there before anything that could be traced.
import '../../lib/telemetry/preload';
// Before everything else is read.
import '../off-request-path';

import { runProcess } from '../process';

void runProcess('alerts', process.env);
