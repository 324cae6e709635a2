/**
 * Builds @tensorflow/tfjs-node for this machine, outside of the project's own packages, in .cache/tensorflow:
 *
 *     tsx infra/tensorflow/install.ts
 *
 * Its own installer cannot: the library it wants to download is no longer given out. The same library is in the wheel of
 * TensorFlow for Python. About 650 MB stay on disk; asks for nothing when it is there.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { infraFile, projectRoot } from '../infra-file';
import { installPython, pythonProgram } from '../python';
import { installTools, run, runs, type Tool } from '../tools';
import { checkIntegrity } from './integrity';

const home = join(projectRoot, '.cache/tensorflow');
const requirements = infraFile('tensorflow/requirements.txt');
/** What the wheel holds; the binding says so when it loads. */
const nativeVersion = '2.16.1';

/**
 * Fetched one by one, without their dependencies: those are the package's own installer, and @tensorflow/tfjs, of which the
 * backend needs only the core, which the project has already.
 */
const packages = [
  {
    name: '@tensorflow/tfjs-node',
    version: '4.22.0',
    integrity: 'sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
  },
  {
    name: 'google-protobuf',
    version: '3.21.4',
    integrity: 'sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
  },
] as const;

const tools: readonly Tool[] = [
  { name: 'make', packages: ['make'], present: () => runs('make', '--version') },
  { name: 'a C++ compiler (g++)', packages: ['g++'], present: () => runs('g++', '--version') },
];

/** Everything that decides what is built; kept beside it, once it is complete. */
const recipe = `${JSON.stringify(packages)}\n${readFileSync(requirements, 'utf8')}${process.arch}\n`;
const stamp = join(home, 'recipe.txt');

function install(): void {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === recipe) return;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      `tfjs-node is built on Linux on x64 only, not on ${process.platform} on ${process.arch}; learning.backend wasm works everywhere`,
    );
  installTools(tools);
  installPython();
  // Into a folder of its own first: a half-made one must never be taken for the whole. Beside the other, because modules
  // are looked for upwards from it, and TensorFlow.js's core is to be the project's.
  const draft = `${home}.${process.pid}`;
  try {
    build(draft);
    writeFileSync(join(draft, 'recipe.txt'), recipe);
    rmSync(home, { recursive: true, force: true });
    renameSync(draft, home);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function build(draft: string): void {
  const modules = join(draft, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const binding = join(modules, '@tensorflow/tfjs-node');
  for (const one of packages) fetchPackage(one, draft, join(modules, one.name));
  mkdirSync(join(modules, '@tensorflow/tfjs'));
  writeFileSync(join(modules, '@tensorflow/tfjs/index.js'), "module.exports = require('@tensorflow/tfjs-core');\n");
  process.stderr.write('fetching native TensorFlow (210 MB)\n');
  fetchNative(draft, join(binding, 'deps'));
  process.stderr.write('compiling its binding\n');
  compile(binding);
  const library = join(binding, 'lib/napi-v8/tfjs_binding.node');
  const version = run(process.execPath, '-p', `require(${JSON.stringify(library)}).TF_Version`).trim();
  if (version !== nativeVersion) throw new Error(`the binding is of TensorFlow ${version}, not ${nativeVersion}`);
}

function fetchPackage({ name, version, integrity }: (typeof packages)[number], draft: string, to: string): void {
  const archive = run('npm', 'pack', `${name}@${version}`, '--loglevel=error', '--pack-destination', draft).trim();
  const file = join(draft, archive);
  checkIntegrity(`${name}@${version}`, readFileSync(file), integrity);
  mkdirSync(to, { recursive: true });
  run('tar', '-xzf', file, '-C', to, '--strip-components=1');
  rmSync(file);
}

/** Headers to deps/include, libraries to deps/lib under the names the binding links by. pip checks the wheel's hash. */
function fetchNative(draft: string, deps: string): void {
  const python = pythonProgram()!;
  const wheels = join(draft, 'wheels');
  // One file whatever Python runs here: nothing of it is ever imported.
  const target = ['--platform', 'manylinux2014_x86_64', '--implementation', 'cp', '--python-version', '3.11'];
  const what = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', wheels];
  run(python, '-m', 'pip', 'download', '--quiet', '--no-cache-dir', ...target, ...what);
  const unpacked = join(draft, 'unpacked');
  run(python, infraFile('tensorflow/unpack_wheel.py'), join(wheels, readdirSync(wheels)[0]!), unpacked);
  rmSync(wheels, { recursive: true });
  mkdirSync(join(deps, 'lib'), { recursive: true });
  renameSync(join(unpacked, 'tensorflow/include'), join(deps, 'include'));
  for (const [part, name] of [
    ['libtensorflow_cc', 'libtensorflow'],
    ['libtensorflow_framework', 'libtensorflow_framework'],
  ] as const) {
    renameSync(join(unpacked, `tensorflow/${part}.so.2`), join(deps, `lib/${part}.so.2`));
    symlinkSync(`${part}.so.2`, join(deps, `lib/${name}.so`));
  }
  rmSync(unpacked, { recursive: true });
}

/** With the node-gyp that npm brings along: npm puts it on the path of scripts. */
function compile(folder: string): void {
  const settings = ['--napi_build_version=8', '--module_name=tfjs_binding', '--module_path=./lib/napi-v8'];
  const headers = join(dirname(process.execPath), '..');
  // Most installations of Node have its headers beside it; without them node-gyp downloads them.
  if (existsSync(join(headers, 'include/node/node_api.h'))) settings.push(`--nodedir=${headers}`);
  const script = `node-gyp rebuild -C . -j ${availableParallelism()} ${settings.join(' ')}`;
  const manifest = join(folder, 'package.json');
  const original = readFileSync(manifest, 'utf8');
  const described = JSON.parse(original) as { scripts: Record<string, string> };
  writeFileSync(manifest, JSON.stringify({ ...described, scripts: { compile: script } }));
  run('npm', '--prefix', folder, '--loglevel=error', 'run', 'compile');
  writeFileSync(manifest, original);
  mkdirSync(join(folder, 'lib/napi-v8'), { recursive: true });
  copyFileSync(join(folder, 'build/Release/tfjs_binding.node'), join(folder, 'lib/napi-v8/tfjs_binding.node'));
  for (const made of ['build', 'deps/include']) rmSync(join(folder, made), { recursive: true });
}

try {
  install();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
