// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that in a configuration.
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  configFromJson,
  configJsonSchema,
  configToJson,
  defaultConfigYaml,
  defaultRouterConfig,
  formatConfigErrors,
  parseConfig,
  validateConfig,
} from '../../../lib/config/parse-config';
import { strategyNames } from '../../../lib/config/router-config';

const minimal = 'models:\n  - { name: a, provider: p }\n';

function configOf(yaml: string) {
  const parsed = parseConfig(yaml);
  if (!parsed.ok) throw new Error(formatConfigErrors(parsed.errors));
  return parsed.config;
}

function errorsOf(yaml: string): string[] {
  const parsed = parseConfig(yaml);
  if (parsed.ok) throw new Error('expected errors');
  return formatConfigErrors(parsed.errors, 'f').split('\n');
}

describe('parseConfig', () => {
  test('two names are enough; everything else has a default', () => {
    const config = configOf(minimal);
    expect(config.models).toHaveLength(1);
    expect(config.preference).toEqual({ quality: 1, cost: 0, latency: 0 });
    expect(config.strategies[0]).toBe('LEARNING_OPTIMIZED');
    expect(config).toEqual(defaultRouterConfig([{ name: 'a', provider: 'p' }]));
  });

  test('all errors at once, in order of the file, each with its line, column, path and message', () => {
    const yaml = `models:
  - name: a
    provder: x
    price: {inputPerMilionUsd: 1}
    taskQuality: {code: 1.5}
  - name: a
    provider: 7
strategies: [BALANCD, RANDOM, RANDOM]
preference: {quality: 0}
colapse: COMBINED
cache:
  ttlMs: "x"
threadTimeoutMs: -1
collapse: 3
seed: .nan
breaker: {openMs: 10, maxOpenMs: 5}
learning: {sessionDiscount: 0.9}
`;
    expect(errorsOf(yaml)).toEqual([
      'f:2:5 models.0.provider: is required',
      'f:3:5 models.0.provder: unknown field "provder"; did you mean "provider"?',
      'f:4:13 models.0.price.inputPerMilionUsd: unknown field "inputPerMilionUsd"; did you mean "inputPerMillionUsd"?',
      'f:5:25 models.0.taskQuality.code: must be at most 1, not 1.5',
      'f:6:11 models.1.name: model "a" is already defined at models.0',
      'f:7:15 models.1.provider: must be a string, not 7',
      'f:8:14 strategies.0: must be one of LEARNING_OPTIMIZED, TASK_OPTIMIZED, BALANCED, PERFORMANCE, COST_EFFICIENT, RANDOM, not "BALANCD"; did you mean "BALANCED"?',
      'f:8:31 strategies.2: "RANDOM" is listed twice',
      'f:9:13 preference: quality, cost and latency must not all be 0',
      'f:10:1 colapse: unknown field "colapse"; did you mean "collapse"?',
      'f:12:10 cache.ttlMs: must be a number, not "x"',
      'f:13:18 threadTimeoutMs: must be at least 1, not -1',
      'f:14:11 collapse: must be one of COMBINED, BEST_SCORE, WEIGHTED, CONSENSUS, FIRST_SUCCESS, not 3',
      'f:15:7 seed: must be a number, not NaN',
      'f:16:34 breaker.maxOpenMs: must be at least openMs (10), not 5',
      'f:17:29 learning.sessionDiscount: needs learning.pipeline dqn: the linear half cannot look ahead',
    ]);
  });

  test.each([
    ['', 'f:1:1 is empty'],
    ['# nothing', 'f:1:1 is empty'],
    ['null', 'f:1:1 must be an object, not null'],
    ['a: 1\n---\na: 2', 'f:2:1 holds several YAML documents (a line of --- parts them): only one is read'],
    ['[]', 'f:1:1 must be an object, not a list'],
    ['models: []', 'f:1:9 models: must be a list of at least 1'],
    ['{}', 'f:1:1 models: is required'],
    ['a: 1\na: 2', 'f:2:1 not YAML: Map keys must be unique'],
    ['x: *y', 'f:1:1 not YAML: Unresolved alias (the anchor must be set before the alias): y'],
    [`${minimal}strategies: []`, 'f:3:13 strategies: must be a list of at least 1'],
    [`${minimal}zzzzzzzz: 1`, 'f:3:1 zzzzzzzz: unknown field "zzzzzzzz"'],
    [
      `${minimal}strategies: [RANDOM]\nstrategyWeights: {RANDOM: 0}`,
      'f:4:18 strategyWeights: at least one of the listed strategies must have a weight above 0',
    ],
    [
      `${minimal}strategyWeights: {RANDM: 1}`,
      'f:3:19 strategyWeights.RANDM: unknown field "RANDM"; did you mean "RANDOM"?',
    ],
    [`${minimal}cache: { enabled: maybe }`, 'f:3:19 cache.enabled: must be a boolean, not "maybe"'],
    [
      `${minimal}budgets: [{ name: m, limitUsd: 1, pace: even, period: none }]`,
      'f:3:41 budgets.0.pace: even needs a period to spread spending over; period is none',
    ],
    [
      `${minimal}budgets: [{ name: m, limitCalls: 1, pace: even }]`,
      'f:3:43 budgets.0.pace: even needs limitUsd: it is spending that is spread',
    ],
    [`${minimal}budgetUsdPerRequest: 0`, 'f:3:22 budgetUsdPerRequest: must be more than 0, not 0'],
    [`${minimal}sets: { coverage: 0.85 }`, 'f:3:19 sets.coverage: must be one of 0.8, 0.9, 0.95, not 0.85'],
    [
      `${minimal}sets: { coverage: null, choose: cheapest }`,
      'f:3:19 sets.coverage: must not be null with choose cheapest',
    ],
    [`${minimal}sets: { choose: safe }`, 'f:3:17 sets.choose: safe needs a safeModel'],
    [`${minimal}sets: { choose: safe, safeModel: b }`, 'f:3:34 sets.safeModel: "b" is none of the models'],
    [
      `${minimal}budgetUsdPerRequest: 1\nsets: { choose: safe, safeModel: a }`,
      'f:4:17 sets.choose: safe cannot keep to budgetUsdPerRequest: leave one of them out',
    ],
    [`${minimal}cache: { ttlMs: 1.5 }`, 'f:3:17 cache.ttlMs: must be a whole number, not 1.5'],
    ['models: [{name: "", provider: p}]', 'f:1:17 models.0.name: must not be empty'],
    ['models: [{name: a, provider: {}}]', 'f:1:30 models.0.provider: must be a string, not an object'],
  ])('%j is refused', (yaml, message) => {
    const errors = errorsOf(yaml);
    expect(errors).toHaveLength(1);
    if (typeof message === 'string') expect(errors[0]).toBe(message);
    else expect(errors[0]).toMatch(message);
  });

  test('a wrong long text is not repeated in the message', () => {
    expect(errorsOf(`${minimal}seed: ${'s'.repeat(100)}`)).toEqual([
      'f:3:7 seed: must be a number, not text of 100 characters',
    ]);
  });

  test('anchors and aliases are followed', () => {
    const config = configOf(
      'models:\n  - { name: a, provider: p, price: &price { perRequestUsd: 2 } }\n  - { name: b, provider: p, price: *price }\n',
    );
    expect(config.models[1]?.price.perRequestUsd).toBe(2);
  });

  test('whatever the text, there is a result and never an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.object().map((o) => JSON.stringify({ models: o })),
        ),
        (text) => {
          const parsed = parseConfig(text);
          if (parsed.ok) return;
          expect(parsed.errors.length).toBeGreaterThan(0);
          for (const error of parsed.errors) expect(error.line).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });
});

describe('strategy weights', () => {
  test('sum to 1 by default; RANDOM has a share only where it is listed', () => {
    const sum = (weights: Readonly<Record<string, number>>) => Object.values(weights).reduce((a, b) => a + b, 0);
    const usual = configOf(minimal).strategyWeights;
    expect(usual.LEARNING_OPTIMIZED).toBe(0.94);
    expect(usual.RANDOM).toBe(0);
    expect(sum(usual)).toBeCloseTo(1, 9);
    const listed = configOf(`${minimal}strategies: [LEARNING_OPTIMIZED, RANDOM]`).strategyWeights;
    expect(listed.RANDOM).toBeCloseTo(0.012, 9);
    expect(sum(listed)).toBeCloseTo(1, 9);
  });

  test('what is given wins, what is left out keeps its default', () => {
    const weights = configOf(`${minimal}strategyWeights: { BALANCED: 2 }`).strategyWeights;
    expect(weights.BALANCED).toBe(2);
    expect(weights.LEARNING_OPTIMIZED).toBe(0.94);
  });
});

test('weights of the reward: any part may be named, a faulty weight is named with its part', () => {
  const own = configOf(minimal).reward.weights;
  expect(own).toMatchObject({ quality: 1, userFeedback: 1, nextTurn: 0.3, 'mechanical:tools': 1 });
  // One that is changed leaves the others as they are.
  const weights = { userFeedback: 3, 'format-check': 0 };
  expect(configOf(`${minimal}reward: { weights: ${JSON.stringify(weights)} }`).reward.weights).toEqual({
    ...own,
    ...weights,
  });
  const [error, ...more] = errorsOf(`${minimal}reward: { weights: { userFeedback: -1 } }`);
  expect(error).toMatch(/reward\.weights\.userFeedback: must be at least 0, not -1$/);
  expect(more).toEqual([]);
  expect(errorsOf(`${minimal}reward: { weight: { userFeedback: 1 } }`)[0]).toContain('did you mean "weights"?');
});

describe('the file init writes', () => {
  const yaml = defaultConfigYaml();

  test('validates, with models of at least four providers', () => {
    const config = configOf(yaml);
    expect(new Set(config.models.map((model) => model.provider)).size).toBeGreaterThanOrEqual(4);
    expect(config.preference).toEqual({ quality: 0.8, cost: 0.15, latency: 0.05 });
  });

  test('holds every setting with its default, and says that prices are examples', () => {
    const config = configOf(yaml);
    const written = parse(yaml);
    expect(written).toEqual(config);
    expect({ ...config, preference: undefined }).toEqual({
      ...defaultRouterConfig(config.models),
      preference: undefined,
    });
    expect(yaml).toMatch(/EXAMPLES/);
  });

  test('explains every setting in a line of its own', () => {
    const lines = yaml.split('\n');
    const unexplained = lines.filter((line, i) => /^\w+:/.test(line) && !lines[i - 1]?.startsWith('# '));
    expect(unexplained).toEqual([]);
  });
});

describe('the config topic', () => {
  test('JSON there and back is the same configuration', () => {
    const config = configOf(defaultConfigYaml());
    expect(configFromJson(configToJson(config))).toEqual(config);
  });

  test('a setting that did not exist when it was written gets its default', () => {
    const { seed: _, ...older } = configOf(minimal);
    expect(configFromJson(JSON.stringify(older)).seed).toBe(1);
  });

  test('a faulty one is refused with every field named', () => {
    expect(() => configFromJson('{"models":[],"seed":-1}')).toThrow(
      'not a configuration: models: must be a list of at least 1; seed: must be at least 0, not -1',
    );
  });
});

test('defaultRouterConfig takes settings and refuses wrong ones', () => {
  expect(defaultRouterConfig([{ name: 'a', provider: 'p' }], { seed: 7, collapse: 'WEIGHTED' })).toMatchObject({
    seed: 7,
    collapse: 'WEIGHTED',
  });
  expect(() => defaultRouterConfig([{ name: 'a', provider: 'p' }], { explorationFloor: 2 })).toThrow(
    'explorationFloor: must be at most 1, not 2',
  );
});

test('the JSON Schema names every setting, its default and its purpose', () => {
  const schema = configJsonSchema() as { properties: Record<string, { description?: string }>; required: string[] };
  const config = defaultRouterConfig([{ name: 'a', provider: 'p' }]);
  expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(config).sort());
  expect(schema.required).toEqual(['models']);
  for (const property of Object.values(schema.properties)) expect(property.description).toBeTruthy();
  expect(Object.keys(config.strategyWeights).sort()).toEqual([...strategyNames].sort());
});

test('validateConfig keeps type errors and cross-field errors together', () => {
  const checked = validateConfig({
    models: [
      { name: 'a', provider: 'p' },
      { name: 'a', provider: 'p' },
    ],
    seed: 'x',
  });
  expect(checked.ok ? [] : checked.issues.map((issue) => issue.path.join('.'))).toEqual(['seed', 'models.1.name']);
});

describe('merge keys and blocks of the author', () => {
  test('<< brings in what the map does not say itself, from one map or several, over several steps', () => {
    const config = configOf(`x-defaults:
  cheap: &cheap { provider: acme, price: { inputPerMillionUsd: 1 } }
  long: &long { contextTokens: 9000, provider: other }
  both: &both { <<: [*cheap, *long], expectedQuality: 0.9 }
models:
  - <<: *both
    name: b
    expectedQuality: 0.2
`);
    expect(config.models[0]).toMatchObject({
      name: 'b',
      provider: 'acme',
      price: { inputPerMillionUsd: 1 },
      contextTokens: 9_000,
      expectedQuality: 0.2,
    });
    expect(config).not.toHaveProperty('x-defaults');
  });

  test('a fault that was merged in is pointed at where it is written', () => {
    expect(
      errorsOf(`x-m: &m
  provider: p
  contextTokens: many
models:
  - { <<: *m, name: a }
`),
    ).toEqual(['f:3:18 models.0.contextTokens: must be a number, not "many"']);
  });

  test('a merge key that names no map is refused', () => {
    expect(errorsOf('models:\n  - { <<: 3, name: a, provider: p }')).toEqual([
      'f:1:1 not YAML: a merge key (<<) must name a map or a list of maps',
    ]);
  });

  test('x- is for the top level alone, in YAML and in JSON', () => {
    expect(errorsOf(`${minimal}cache: { x-mine: 1 }`)[0]).toMatch(/unknown field "x-mine"/);
    expect(validateConfig({ 'x-mine': { any: ['thing'] }, models: [{ name: 'a', provider: 'p' }] }).ok).toBe(true);
  });
});

describe('the environment', () => {
  const parsed_ = (yaml: string, environment: Record<string, string>) => parseConfig(yaml, { environment });
  const faults = (yaml: string, environment: Record<string, string>): string[] => {
    const parsed = parsed_(yaml, environment);
    return parsed.ok ? [] : formatConfigErrors(parsed.errors, 'f').split('\n');
  };

  test('fills in texts, and numbers where they stand without quotes; $$ is a dollar', () => {
    const parsed = parsed_(
      `models:
  - name: "\${VENDOR}/\${MODEL:-small}"
    provider: "$\${VENDOR}"
    contextTokens: \${CONTEXT}
    expectedQuality: \${QUALITY:-0.25}
`,
      { VENDOR: 'acme', CONTEXT: '9000', MODEL: '' },
    );
    expect(parsed.ok && parsed.config.models[0]).toMatchObject({
      name: 'acme/small',
      provider: '${VENDOR}',
      contextTokens: 9_000,
      expectedQuality: 0.25,
    });
  });

  test('a value with YAML in it stays one text', () => {
    const parsed = parsed_('models: [{ name: "${NAME}", provider: p }]', { NAME: 'x, provider: evil } # - y' });
    expect(parsed.ok && parsed.config.models.map(({ name }) => name)).toEqual(['x, provider: evil } # - y']);
  });

  test('a missing variable is named with its field, and so is what is no reference; values are never shown', () => {
    const yaml = `models:
  - name: "\${NAME}"
    provider: "\${a b}"
    contextTokens: \${CONTEXT}
    expectedQuality: \${QUALITY}
`;
    const found = faults(yaml, { QUALITY: 'secret words' });
    expect(found).toEqual([
      'f:2:11 models.0.name: the environment has no variable NAME (${NAME:-default} gives one for when it is missing)',
      'f:3:15 models.0.provider: has a "${" that is no reference: write ${NAME}, ${NAME:-default}, or $${ for the text itself',
      'f:4:20 models.0.contextTokens: the environment has no variable CONTEXT (${CONTEXT:-default} gives one for when it is missing)',
      'f:5:22 models.0.expectedQuality: must be a number, not "secret words"',
    ]);
  });

  test('names of things every object has are no variables', () => {
    expect(faults('models: [{ name: "${constructor}", provider: "${__proto__}" }]', {})).toHaveLength(2);
  });

  test('without an environment, as for a text that came over HTTP, a reference is refused', () => {
    process.env['QUANTUM_ROUTER_TEST_SECRET'] = 'secret';
    expect(errorsOf('models: [{ name: "${QUANTUM_ROUTER_TEST_SECRET}", provider: p }]')).toEqual([
      'f:1:18 models.0.name: must not refer to the environment: ${…} is filled in only in files read by the command line (serve --config, config apply)',
    ]);
  });

  test('the flow style says how to write a reference', () => {
    expect(faults('models: [{ name: "${NAME:-${OTHER:-a}}", provider: p }]', { OTHER: 'b' })).toEqual([
      'f:1:18 models.0.name: ${NAME:-…} has a reference as its default: a default is taken as it stands',
    ]);
    expect(faults('models: [{ name: ${NAME}, provider: p }]', { NAME: 'a' })[0]).toMatch(/in quotes\)$/);
  });
});

describe('what a configuration may be', () => {
  const deep = (open: string) => open.repeat(20_000);
  const bomb = (merge: string) =>
    [
      'x-0: &a0 { k: 1, l: 2 }',
      ...Array.from({ length: 12 }, (_, i) => {
        const again = Array.from({ length: 9 }, () => `*a${i}`).join(', ');
        return merge === '<<' ? `x-${i + 1}: &a${i + 1} { <<: [${again}] }` : `x-${i + 1}: &a${i + 1} [${again}]`;
      }),
    ].join('\n');

  test.each([
    ['20,000 lists in one another', deep('['), /must be nested at most 32 deep/],
    ['20,000 maps in one another', deep('{a: '), /must be nested at most 32 deep/],
    ['20,000 dashes on a line', deep('- '), /must be nested at most 32 deep/],
    ['20,000 question marks', deep('? '), /must be nested at most 32 deep/],
    [
      '100 maps in block style',
      Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      /at most 32 deep/,
    ],
    [
      '120,000 keys of a map',
      `{${Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`).join(',')}}`,
      /bytes long|at most 5000 keys/,
    ],
    ['6,000 short keys', Array.from({ length: 6_000 }, (_, i) => `k${i}: 1`).join('\n'), /must have at most 5000 keys/],
    ['too many bytes', `# ${'x'.repeat(300_000)}`, /must be at most 262144 bytes long, not 300002/],
    ['aliases of aliases', bomb('[]'), /[Ee]xcessive alias count|at most 50000 values/],
    ['merges of merges', bomb('<<'), /[Ee]xcessive alias count|at most 50000 values/],
    ['an alias of itself', 'models: &m [*m]', /at most 32 deep|Alias/],
    ['a merge of itself', 'models: [&m { <<: *m }]', /at most 32 deep|Alias/],
    [
      '257 models',
      `models: [${Array.from({ length: 257 }, (_, i) => `{name: m${i}, provider: p}`).join(',')}]`,
      /models: must be a list of at most 256/,
    ],
    [
      '65 task types',
      `models: [{name: a, provider: p, taskQuality: {${Array.from({ length: 65 }, (_, i) => `t${i}: 1`).join(',')}}}]`,
      /models.0.taskQuality: must have at most 64 entries/,
    ],
    [
      '65 parts of a reward',
      `${minimal}reward: { weights: {${Array.from({ length: 65 }, (_, i) => `t${i}: 1`).join(',')}} }`,
      /reward.weights: must have at most 64 entries/,
    ],
    [
      'a prompt no record can hold',
      `${minimal}limits: { maxPromptBytes: 2000000 }`,
      /limits.maxPromptBytes: must be at most 900000, not 2000000/,
    ],
  ])('%s: refused with the limit in the message', (_name, yaml, message) => {
    const errors = errorsOf(yaml);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
  });

  test('256 models with everything said are taken', () => {
    const model = configOf(defaultConfigYaml()).models[0]!;
    const models = Array.from({ length: 256 }, (_, i) => ({ ...model, name: `model-${i}` }));
    expect(configOf(JSON.stringify({ models })).models).toHaveLength(256);
  });

  test.each([
    'models: [{ name: a, provider: p, taskQuality: { __proto__: 0.5 } }]',
    '{ __proto__: { models: 1 }, models: [{ name: a, provider: p }] }',
  ])('__proto__ as a key is refused: %s', (yaml) => {
    expect(errorsOf(yaml).join()).toContain('"__proto__"');
    expect(({} as Record<string, unknown>)['models']).toBeUndefined();
  });

  test('a byte order mark and Windows line ends are no part of it', () => {
    expect(configOf(`\uFEFF${minimal.replaceAll('\n', '\r\n')}seed: 7\r\n`)).toEqual(configOf(`${minimal}seed: 7\n`));
  });

  test('a record of the log that allowed larger prompts stays readable', () => {
    const { limits, ...rest } = configOf(minimal);
    const older = JSON.stringify({ ...rest, limits: { ...limits, maxPromptBytes: 2_000_000 } });
    expect(configFromJson(older).limits.maxPromptBytes).toBe(900_000);
  });
});

test('names that every object inherits are names like any others; the one that would be lost is refused', () => {
  const named = (more: string): ReturnType<typeof parseConfig> =>
    parseConfig(`
models:
  - { name: __proto__, provider: constructor, taskQuality: { constructor: 0.7${more} } }
  - { name: toString, provider: hasOwnProperty }
reward:
  weights: { valueOf: 0.5${more} }
`);
  const parsed = named('');
  if (!parsed.ok) throw new Error('it is valid');
  expect(parsed.config.models.map(({ name }) => name)).toEqual(['__proto__', 'toString']);
  expect(parsed.config.models[0]!.taskQuality).toEqual({ constructor: 0.7 });
  expect(configFromJson(configToJson(parsed.config))).toEqual(parsed.config);
  const refused = named(', __proto__: 0.1');
  expect(refused.ok ? [] : refused.errors.map(({ path, message }) => [path, message])).toEqual([
    ['models.0.taskQuality.__proto__', 'nothing can have the name "__proto__"'],
    ['reward.weights.__proto__', 'nothing can have the name "__proto__"'],
  ]);
});

test.each([
  ['models.0.name', { models: [{ name: '\ud800', provider: 'p' }] }],
  ['models.0.provider', { models: [{ name: 'a', provider: 'p\udfff' }] }],
  ['models.0.capabilities.0', { models: [{ name: 'a', provider: 'p', capabilities: ['\ud800'] }] }],
  ['models.0.taskQuality.\ud800', { models: [{ name: 'a', provider: 'p', taskQuality: { '\ud800': 0.5 } }] }],
  ['reward.weights.\ud800', { models: [{ name: 'a', provider: 'p' }], reward: { weights: { '\ud800': 1 } } }],
])('a name that no record can carry is refused where it stands: %s', (path, raw) => {
  const checked = validateConfig(raw);
  expect(checked.ok ? [] : checked.issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual([
    [path, expect.stringContaining('lone surrogate')],
  ]);
});

test.each([
  ['block', Array.from({ length: 3_800 }, (_, i) => `  - { name: m${i}, provider: p }\n`).join('')],
  ['lines', Array.from({ length: 3_800 }, (_, i) => `  - name: m${i}\n    provider: p\n`).join('')],
])('thousands of models are refused by the name of the field, with how many there may be (%s)', (_style, models) => {
  const parsed = parseConfig(`seed: 1\nmodels:\n${models}collapse: COMBINED\n`);
  expect(parsed.ok ? [] : parsed.errors).toMatchObject([
    { path: 'models', message: expect.stringContaining('of models there may be 256') },
  ]);
});

test('what is said of providers, prices and kin is checked, each by its field', () => {
  const errorsOf = (models: object[], more: object = {}) => {
    const parsed = parseConfig(JSON.stringify({ models, ...more }));
    return parsed.ok ? [] : parsed.errors.map(({ path, message }) => `${path}: ${message}`);
  };
  const model = (name: string, more: object = {}) => ({ name, provider: 'p', ...more });
  expect(errorsOf([model('a', { rateLimits: { requestsPerMinute: 60 }, version: '2' })])).toEqual([]);
  expect(errorsOf([model('a'), model('b', { variantOf: 'a' })])).toEqual([]);
  expect(errorsOf([model('a', { variantOf: 'b' })])).toEqual(['models.0.variantOf: there is no model "b"']);
  expect(errorsOf([model('a', { variantOf: 'a' })])[0]).toMatch(/no variant of itself/);
  expect(errorsOf([model('a'), model('b', { variantOf: 'a' }), model('c', { variantOf: 'b' })])[0]).toMatch(
    /^models.2.variantOf: "b" is a variant itself/,
  );
  expect(errorsOf([model('a', { deploymentWeight: 2 })])[0]).toMatch(
    /^models.0.deploymentWeight: needs a deploymentOf/,
  );
  expect(errorsOf([model('a', { rateLimits: { concurrent: 0 } })])[0]).toMatch(/^models.0.rateLimits.concurrent: /);
  expect(errorsOf([model('a')], { providerRateLimits: { q: { concurrent: 1 } } })).toEqual([
    'providerRateLimits.q: is the provider of no model',
  ]);
  const tiers = [{ aboveInputTokens: 200 }, { aboveInputTokens: 100 }];
  expect(errorsOf([model('a', { price: { tiers } })])).toEqual([
    'models.0.price.tiers.1.aboveInputTokens: must be more than that of the tier before it (200)',
  ]);
});
