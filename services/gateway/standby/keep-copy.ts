/** Keeps the file with the copied tables as new as they are. */
import type { Clock } from '../../../lib/ports/clock';
import type { View } from '../../../lib/stream/define-service';
import type { Log } from '../../../lib/telemetry/log';
import type { AccessKeyChange, ConfigApplied, ModelProfile } from '../../../lib/topics/generated/messages';
import { formatCopy, removeLeftovers, writeCopy } from './table-copy';

export interface CopiedViews {
  readonly config: View<ConfigApplied>;
  readonly keys: View<AccessKeyChange>;
  readonly profiles: View<ModelProfile>;
}

/** How old the copy may be of what may call and be called... */
const copyEveryMs = 2_000;
/** ...and of how models are doing, which changes all the time. */
const profilesEveryMs = 30_000;

/** Writes at once and whenever something has changed; nothing before there is a configuration. What it returns writes a last time. */
export function keepCopy(
  file: string,
  { config, keys, profiles }: CopiedViews,
  { clock, log, topicPrefix }: { readonly clock: Clock; readonly log: Log; readonly topicPrefix: string },
): () => Promise<void> {
  let written = '';
  let writtenMs = Number.NEGATIVE_INFINITY;
  let profilesAt = -1;
  let hasFailed = false;
  let isOver = false;
  let cancel = (): void => {};
  const writeOnce = async (): Promise<void> => {
    const state = `${config.offset} ${keys.offset}`;
    const nowMs = clock.monotonicMs();
    const isOld = profiles.offset !== profilesAt && nowMs - writtenMs >= profilesEveryMs;
    if (config.get('current') === undefined || (state === written && !isOld)) return;
    const profilesNow = profiles.offset;
    try {
      const rows = { config: config.values(), keys: keys.values(), profiles: profiles.values() };
      await writeCopy(file, formatCopy(rows, topicPrefix, clock.nowMs()));
      [written, writtenMs, profilesAt, hasFailed] = [state, nowMs, profilesNow, false];
    } catch (error) {
      if (!hasFailed)
        log.error('the copy of the tables cannot be written: a start without the log would not know them', {
          error: error as Error,
        });
      hasFailed = true;
    }
  };
  const run = async (): Promise<void> => {
    await writeOnce();
    if (!isOver) cancel = clock.setTimer(copyEveryMs, again);
  };
  const start = async (): Promise<void> => {
    // What is left over harms nobody; that it cannot be removed is said when nothing can be written.
    await removeLeftovers(file, clock.nowMs()).catch(() => {});
    await run();
  };
  let writing = start();
  function again(): void {
    writing = run();
  }
  return async () => {
    isOver = true;
    cancel();
    await writing;
    await writeOnce();
  };
}
