/** Where `make up` keeps its servers: in one folder that git ignores. */
import { join } from 'node:path';
import { projectRoot } from './infra-file';

const folder = join(projectRoot, 'data/servers');

export const serverDirectories = { kafka: join(folder, 'kafka'), redis: join(folder, 'redis') } as const;

/** Is there while containers started from this checkout run. */
export const composeMarker = join(folder, 'compose');
