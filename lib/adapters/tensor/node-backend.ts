/**
 * TensorFlow.js on native TensorFlow: faster than wasm for large networks, 600 MB, and not part of the default install.
 * `make tensorflow` builds it where this file looks for it. It shares the core, and so the tensors, with every backend.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as util from 'node:util';
import type * as TensorFlow from '@tensorflow/tfjs-core';
import { type StartEngine, trainOn } from '../../learning/rl/engine';
import type { TensorBackend } from '../../ports/tensor-backend';

/** In the project's folder, seen from the source and from dist/. */
const places = ['../../..', '../../../..'].map((root) =>
  join(__dirname, root, '.cache/tensorflow/node_modules/@tensorflow/tfjs-node'),
);
/** What the package calls itself among TensorFlow.js's backends. */
const registeredName = 'tensorflow';

interface Binding {
  readonly TF_Version: string;
}
type KernelBackendClass = new (binding: Binding, packageName: string) => TensorFlow.KernelBackend;

/** Whether it is there, in the version of the core. */
export function nodeBackendInstalled(): boolean {
  return folderOf() !== null;
}

/** The first start, which takes time and must not overtake another. */
let started: Promise<boolean> | null = null;

/** Loaded where it trains and nowhere else: that takes longer than the kernels take to start. */
function core(): typeof TensorFlow {
  return require('@tensorflow/tfjs-core') as typeof TensorFlow;
}

export function nodeBackend(): TensorBackend {
  return {
    name: 'node',
    async ready() {
      if (!core().findBackendFactory(registeredName)) register();
      started ??= core().setBackend(registeredName);
      if (!(await started)) throw new Error(`the TensorFlow.js backend ${registeredName} could not be started`);
      const { engineOnTensors } = require('../../learning/rl/engine-on-tensors') as { engineOnTensors: StartEngine };
      trainOn(engineOnTensors);
    },
  };
}

function folderOf(): string | null {
  const folder = places.find((place) => existsSync(join(place, 'package.json')));
  if (!folder) return null;
  return versionIn(join(folder, 'package.json')) === coreVersion() ? folder : null;
}

function coreVersion(): string {
  return versionIn(require.resolve('@tensorflow/tfjs-core/package.json'));
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function register(): void {
  const folder = folderOf();
  if (!folder) throw new Error(`@tensorflow/tfjs-node ${coreVersion()} is not installed: run \`make tensorflow\``);
  settle();
  // Its parts instead of the package's own index, which would bring a second TensorFlow.js along.
  require(join(folder, 'dist/register_all_kernels'));
  const { NodeJSKernelBackend } = require(join(folder, 'dist/nodejs_kernel_backend')) as {
    NodeJSKernelBackend: KernelBackendClass;
  };
  const binding = require(join(folder, 'lib/napi-v8/tfjs_binding.node')) as Binding;
  core().registerBackend(registeredName, () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'));
}

/** What the native library reads once, when it is loaded: hence from the environment, which a thread must share. */
function settle(): void {
  Object.assign(process.env, {
    // One thread, as with wasm: the other cores belong to routing.
    TF_NUM_INTRAOP_THREADS: '1',
    TF_NUM_INTEROP_THREADS: '1',
    // Its kernels are chosen by the processor at hand, round differently from one to the next, and are no faster at these sizes.
    TF_ENABLE_ONEDNN_OPTS: '0',
    // Warnings and errors only.
    TF_CPP_MIN_LOG_LEVEL: '1',
  });
  // Node 23 took away what the package still calls.
  const gone = { isNullOrUndefined: (value: unknown) => value === null || value === undefined };
  if (!('isNullOrUndefined' in util)) Object.assign(require('node:util') as object, gone);
}
