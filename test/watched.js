// Runs a program and kills it, with all that it has started, when standard input closes: that is when the test process
// that started this one has let go of it or has itself been killed. It is the leader of its process group.
const { execFileSync, spawn } = require('node:child_process');

const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.once('exit', (code, signal) => {
  if (signal === null) process.exit(code);
  // As the program ended, so do we.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
process.stdin.on('close', killAll).resume();

/** Whatever comes from the program, in this process group or in one of its own, as the services of a supervisor are. */
function killAll() {
  const parents = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [child.pid];
  for (const pid of found) for (const [other, parent] of parents) if (parent === pid) found.push(other);
  for (const pid of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  process.kill(-process.pid, 'SIGKILL');
}
