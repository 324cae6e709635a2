// First: tracing has to be there before anything that could be traced.
import '../../lib/telemetry/preload';

import { runProcess } from '../process';

void runProcess('alerts', process.env);
