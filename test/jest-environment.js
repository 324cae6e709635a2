// jest gives each test file a realm of its own, and then `structuredClone(float32Array) instanceof Float32Array` is
// false: TensorFlow.js trips over it (tfjs issue 7175). Sharing the typed-array globals of the outer realm cures it.
const { TestEnvironment } = require('jest-environment-node');
require('./coverage-session');

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of [
      'Float32Array',
      'Float64Array',
      'Int8Array',
      'Int32Array',
      'Uint8Array',
      'Uint32Array',
      'ArrayBuffer',
    ]) {
      this.global[name] = globalThis[name];
    }
  }
};
