// jest turns V8's coverage on before each test file and off after it, and V8 then compiles and looks through all that
// the process has loaded: most of the time of a short file. Here each worker turns it on once; taking the counts sets
// them back to 0, so what a file is told is still what happened since the file before it.
const { Session } = require('node:inspector');
const { pathToFileURL } = require('node:url');
const { CoverageInstrumenter } = require('collect-v8-coverage');

let session;
const post = (method, parameters) =>
  new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result)));
  });

CoverageInstrumenter.prototype.startInstrumenting = async () => {
  if (session) return;
  session = new Session();
  session.connect();
  await post('Profiler.enable');
  await post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
};

/** Resolves to the coverage of what has run since it was last asked. */
CoverageInstrumenter.prototype.stopInstrumenting = async () => {
  const { result } = await post('Profiler.takePreciseCoverage');
  const ran = ({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0));
  return result.filter(ran).map(moved);
};

/** By URL: scripts with something in front of the text that counts are wanted of. */
const wrapped = new Map();

/** Says that the text of a file, of so many characters, stands behind `before` others in what was compiled. */
module.exports.moveCounts = (filename, before, length) => {
  wrapped.set(pathToFileURL(filename).href, { before, length });
};

function moved(script) {
  const place = wrapped.get(script.url);
  if (!place) return script;
  const within = (offset) => Math.min(Math.max(offset - place.before, 0), place.length);
  const functions = script.functions.map((counted) => ({
    ...counted,
    ranges: counted.ranges.map(({ startOffset, endOffset, count }) => ({
      startOffset: within(startOffset),
      endOffset: within(endOffset),
      count,
    })),
  }));
  return { ...script, functions };
}
