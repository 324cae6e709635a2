// A worker whose test run is gone, as when somebody has killed it, ends at once, and with it all that its tests have
// started: it would go on to the end of its test file, and its programs beside whatever comes next.
const { randomUUID } = require('node:crypto');
const { killStarted } = require('./kill-started');

// Inherited by all that the tests start, also by what is to outlive the command that has started it.
const name = 'QUANTUM_ROUTER_TEST_WORKER';
const mark = randomUUID();
process.env[name] = mark;

process.once('disconnect', end);
// Whoever listens for the end keeps the channel open, and so a worker alive that hears no more messages because it is done.
process.on('removeListener', (event) => {
  if (event === 'message' && process.listenerCount('message') === 0) process.removeListener('disconnect', end);
});

function end() {
  try {
    killStarted(`${name}=${mark}`);
  } finally {
    process.exit(1);
  }
}
