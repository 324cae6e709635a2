// jest gives each test file a realm of its own and compiles all that the file loads anew for it: the engine, fastify, zod,
// a thousand modules a file. Here a worker compiles each module once and runs it in each realm, so what V8 has compiled for
// one file (each function when it is first called) is there for the next.
const { Script } = require('node:vm');
const Runtime = require('jest-runtime').default;
const { moveCounts } = require('./coverage-session');
require('./end-with-run');

/** By path: the text that was compiled, and what came of it. */
const compiled = new Map();

/** A test file is loaded once by nobody else; what it loads is loaded by others. */
const isForOne = (filename) => filename.endsWith('.test.ts');

module.exports = class extends Runtime {
  constructor(...parts) {
    super(...parts);
    const { executor } = this;
    const compileForOne = executor.compile.bind(executor);
    const before = `(function (${executor.injectedModuleParameters}) {`;
    executor.compile = (source, filename) => {
      const context = executor.environment.getVmContext();
      if (context === null || isForOne(filename)) return compileForOne(source, filename);
      let known = compiled.get(filename);
      if (known?.source !== source) {
        try {
          known = { source, script: new Script(`${before}${source}\n})`, { filename }) };
          moveCounts(filename, before.length, source.length);
        } catch {
          // jest says best what is wrong with it.
          return compileForOne(source, filename);
        }
        compiled.set(filename, known);
      }
      return known.script.runInContext(context);
    };
  }
};
