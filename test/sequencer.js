// The order of the test files. jest begins with those that took longest the last time; where there was no last time, as
// in a fresh clone, it goes by the size of the file, and the slowest, which are a few lines that start programs, come at
// the very end, when the other worker has nothing left to do. Files in test/slow-files.json come first, everywhere.
const Sequencer = require('@jest/test-sequencer').default;
const { relative } = require('node:path');
const slowFiles = require('./slow-files.json');

module.exports = class extends Sequencer {
  /** The slow files, then the others as jest would have them. */
  sort(tests) {
    const places = new Map(orderOfSlow(slowFiles).map((file, place) => [file, place]));
    const placeOf = ({ path, context }) => places.get(relative(context.config.rootDir, path)) ?? places.size;
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
};

/**
 * From seconds by file, in two kinds. A test that waits for other programs leaves the processor to one that only computes, so
 * one worker gets the files of the first kind while the other gets those of the second.
 */
function orderOfSlow({ waiting, computing }) {
  const longestFirst = (files) => Object.entries(files).sort(([, a], [, b]) => b - a);
  const queues = [waiting, computing].map((files) => ({ files: longestFirst(files), busyUntil: 0 }));
  const order = [];
  for (;;) {
    const [next] = queues.filter(({ files }) => files.length > 0).sort((a, b) => a.busyUntil - b.busyUntil);
    if (!next) return order;
    const [file, seconds] = next.files.shift();
    next.busyUntil += seconds;
    order.push(file);
  }
}
