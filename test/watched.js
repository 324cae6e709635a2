// Runs a program and kills it, with all that it has started, when standard input closes: that is when the test process
// that started this one has let go of it or has itself been killed. It is the leader of its process group.
const { spawn } = require('node:child_process');
const { killStarted } = require('./kill-started');

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

function killAll() {
  try {
    killStarted();
  } finally {
    process.kill(-process.pid, 'SIGKILL');
  }
}
