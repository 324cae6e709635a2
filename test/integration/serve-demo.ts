import type { createWorkplace } from '../bin/run-command';
import { atEnd } from '../started';

/** Where `serve --demo` answers, in this process until the tests of the file have ended, and then its folder is removed. */
export function serveDemo(place: ReturnType<typeof createWorkplace>): Promise<string> {
  const stop = new AbortController();
  return new Promise<string>((resolve, reject) => {
    const served = place.run(['serve', '--demo', '--port', '0', '--log-level', 'silent'], {
      stop,
      onStderr: (text) => {
        const found = /ready on (http:\S+)/.exec(text)?.[1];
        if (found) resolve(found);
      },
    });
    served.then((ran) => reject(new Error(ran.stderr)), reject);
    atEnd(async () => {
      stop.abort();
      await served;
      place.remove();
    });
  });
}
