// Kills whatever this process has started, and what that has started: in process groups of their own, too, and stopped.
const { spawnSync } = require('node:child_process');
const { readdirSync, readFileSync } = require('node:fs');

/**
 * With `mark`, a variable of this process's environment as NAME=value, also what no longer descends from it because
 * those in between have ended. That only Linux tells.
 */
exports.killStarted = function killStarted(mark = null) {
  const found = new Set();
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const pid of startedHere(mark)) {
      found.add(pid);
      // Who is stopped starts nothing more, so that all are found when no more are.
      send(pid, 'SIGSTOP');
    }
  }
  for (const pid of found) send(pid, 'SIGKILL');
};

function startedHere(mark) {
  const all = processes(mark);
  const found = new Set(all.filter(({ isMarked }) => isMarked).map(({ pid }) => pid));
  // What is found while it goes on is looked at as well.
  const parents = [process.pid, ...found];
  for (const one of parents) {
    for (const { pid, parent } of all) {
      if (parent !== one || pid === process.pid || found.has(pid)) continue;
      found.add(pid);
      parents.push(pid);
    }
  }
  return found;
}

function processes(mark) {
  let pids;
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return fromPs();
  }
  return pids.flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // Behind the name, which may hold anything: the state, and the parent.
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const pid = Number(name);
      return [{ pid, parent: Number(parent), isMarked: mark !== null && pid !== process.pid && isMarked(pid, mark) }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** False of what belongs to somebody else. */
function isMarked(pid, mark) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
  } catch {
    return false;
  }
}

/** Where there is no /proc. */
function fromPs() {
  const { pid: ps, stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return (stdout ?? '')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([pid]) => pid > 0 && pid !== ps)
    .map(([pid, parent]) => ({ pid, parent, isMarked: false }));
}

function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
