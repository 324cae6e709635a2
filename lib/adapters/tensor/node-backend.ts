/**
 * TensorFlow.js on native TensorFlow: faster than wasm for large networks, 600 MB, and not part of the default install.
 * `make tensorflow` builds it where this file looks for it. It shares the core, and so the tensors, with every backend.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorBackend } from '../../ports/tensor-backend';
import { activate } from './activate';

/** In the project's folder, seen from the source and from dist/. */
const places = ['../../..', '../../../..'].map((root) =>
  join(__dirname, root, '.cache/tensorflow/node_modules/@tensorflow/tfjs-node'),
);
/** What the package calls itself among TensorFlow.js's backends. */
const registeredName = 'tensorflow';

interface Binding {
  readonly TF_Version: string;
}
type KernelBackendClass = new (binding: Binding, packageName: string) => tf.KernelBackend;

/** Whether it is there, in the version of the core. */
export function nodeBackendInstalled(): boolean {
  return folderOf() !== null;
}

export function nodeBackend(): TensorBackend {
  return {
    name: 'node',
    async ready() {
      if (!tf.findBackendFactory(registeredName)) register();
      await activate(registeredName);
    },
  };
}

function folderOf(): string | null {
  const folder = places.find((place) => existsSync(join(place, 'package.json')));
  if (!folder) return null;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return version === tf.version_core ? folder : null;
}

function register(): void {
  const folder = folderOf();
  if (!folder) throw new Error(`@tensorflow/tfjs-node ${tf.version_core} is not installed: run \`make tensorflow\``);
  settle();
  // Its parts instead of the package's own index, which would bring a second TensorFlow.js along.
  require(join(folder, 'dist/register_all_kernels'));
  const { NodeJSKernelBackend } = require(join(folder, 'dist/nodejs_kernel_backend')) as {
    NodeJSKernelBackend: KernelBackendClass;
  };
  const binding = require(join(folder, 'lib/napi-v8/tfjs_binding.node')) as Binding;
  tf.registerBackend(registeredName, () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'));
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
