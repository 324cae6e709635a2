/** The three surfaces a stranger can reach, each with its own rules of what a good answer to a bad case is. */
import { validateAndParse } from './configuration-answer';
import { configurationCases, configurationOf } from './configuration-cases';
import { DeadLetters } from './dead-letters';
import type { UnderFire } from './engine-under-fire';
import { type Fault, fault } from './findings';
import { type HttpCases, httpCases, httpRequestOf } from './http-cases';
import { anyTopics, type RecordCases, recordCases, recordOf } from './record-cases';
import type { HttpAnswer } from './send-http';
import type { SurfaceName } from './surface-names';

/** Processor time that one case may cost this process, the engine included; an idle machine needs a tenth of it. */
const maxCpuMs = 1_000;
const maxAnswerBytes = 65_536;

export interface Surface {
  /** The case in words. */
  whatIs(seed: number, index: number): string;
  /** Runs one case and judges what can be seen at once. */
  run(seed: number, index: number): Promise<Ran>;
  /** Whether a case may have put another configuration in force, which `settle` takes back. */
  isConfigChanged(): boolean;
  /** After some cases: judges what takes a moment, and puts in order again what a case may change. */
  settle(): Promise<readonly Fault[]>;
}

export interface Ran {
  readonly faults: readonly Fault[];
  /** Where it was put, so that the next good request can go the same way; null when it was put nowhere. */
  readonly partition: number | null;
}

export async function surfaceOf(name: SurfaceName, under: UnderFire): Promise<Surface> {
  if (name === 'http') return httpSurface(under);
  return name === 'configuration' ? configurationSurface(under) : recordSurface(under);
}

async function httpSurface(under: UnderFire): Promise<Surface> {
  const answer = await under.send({ method: 'GET', path: '/openapi.json', headers: {}, body: null });
  if (answer instanceof Error) throw answer;
  const lists = weighted(httpCases(JSON.parse(answer.body)), ({ endpoint }) =>
    endpoint === 'POST /v1/route' ? 12 : endpoint === 'POST /v1/feedback' ? 8 : 1,
  );
  const picked = picker<HttpCases>(lists);
  return {
    whatIs(seed, index) {
      const { of, nth } = picked(index);
      return of.list.whatIs(seed, nth);
    },
    async run(seed, index) {
      const { of, nth } = picked(index);
      const request = httpRequestOf(of, seed, nth);
      const measured = await measure(() => under.send(request));
      return nowhere([...faultsOfAnswer(measured.result), ...measured.faults]);
    },
    isConfigChanged: () => false,
    settle: async () => [],
  };
}

const nowhere = (faults: readonly Fault[]): Ran => ({ faults, partition: null });

function faultsOfAnswer(answer: HttpAnswer | Error): Fault[] {
  // What cannot be written or is cut off must not hurt; whether it did, good requests tell.
  if (answer instanceof Error) return answer.message === 'no answer in time' ? [fault('no answer in time')] : [];
  const found: Fault[] = [];
  const { status, body } = answer;
  if (status >= 500 && status !== 503) found.push(fault(`answered ${status}`, body));
  if (body.length > maxAnswerBytes && status >= 400) found.push(fault('an error of more than 64 kB'));
  if (status >= 400 && body !== '' && !isReadable(body))
    found.push(fault(`a ${status} that does not say what is wrong`, body));
  return found;
}

function isReadable(body: string): boolean {
  try {
    const { error } = JSON.parse(body) as { error: { code: string; message: string } };
    return error.code.length > 0 && error.message.length > 0;
  } catch {
    return false;
  }
}

/** Two of three files are only read; the third is also put in force, and requests are then routed by it. */
const isPut = (index: number): boolean => index % 3 === 0;

async function configurationSurface(under: UnderFire): Promise<Surface> {
  const list = configurationCases();
  let isChanged = false;
  return {
    whatIs: (seed, index) => (isPut(index) ? 'PUT ' : '') + list.whatIs(seed, index),
    async run(seed, index) {
      const { text, isJson } = configurationOf(list, seed, index);
      if (!isPut(index)) {
        const measured = await measure(async () => validateAndParse(text));
        return nowhere([...measured.result, ...measured.faults]);
      }
      const put = async (): Promise<HttpAnswer | Error> => {
        const current = await under.send({ method: 'GET', path: '/v1/config', headers: {}, body: null });
        if (current instanceof Error) return current;
        const { version } = JSON.parse(current.body) as { version: number };
        const headers = {
          'content-type': isJson ? 'application/json' : 'application/yaml',
          'if-match': String(version),
        };
        return under.send({ method: 'PUT', path: '/v1/config?acceptRestart=true', headers, body: Buffer.from(text) });
      };
      const { result, faults } = await measure(put);
      const found = [...faultsOfAnswer(result), ...faults];
      if (result instanceof Error || result.status !== 200) return nowhere(found);
      isChanged = true;
      return nowhere([...found, ...(await routedByIt(under))]);
    },
    isConfigChanged: () => isChanged,
    async settle() {
      if (!isChanged) return [];
      isChanged = false;
      return under.restoreConfig();
    },
  };
}

/** A configuration that was accepted routes, or says why it cannot: what is valid must not be a time-out later. */
async function routedByIt(under: UnderFire): Promise<Fault[]> {
  const body = Buffer.from(JSON.stringify({ prompt: 'Which model now?' }));
  const headers = { 'content-type': 'application/json' };
  const answer = await under.send({ method: 'POST', path: '/v1/route', headers, body });
  if (answer instanceof Error) return [fault('an accepted configuration: no answer', answer.message)];
  if (answer.status >= 500) return [fault(`an accepted configuration: routing answers ${answer.status}`, answer.body)];
  return [];
}

async function recordSurface(under: UnderFire): Promise<Surface> {
  const lists = weighted(
    anyTopics()
      .filter(({ name }) => under.ordinary.has(name) || name === 'weights.commands')
      .map(recordCases),
    ({ topic }) => (topic.name === 'route.requested' || topic.name === 'route.outcome' ? 4 : 1),
  );
  const picked = picker<RecordCases>(lists);
  const letters = new DeadLetters(under.home);
  let isConfigTouched = false;
  return {
    whatIs(seed, index) {
      const { of, nth } = picked(index);
      return of.list.whatIs(seed, nth);
    },
    async run(seed, index) {
      const { of, nth } = picked(index);
      const ordinary = under.ordinary.get(of.topic.name) ?? { key: 'fuzz', value: {} };
      const record = recordOf(of, seed, nth, ordinary);
      const decoding = await measure(async () => canBeRead(of, record.value));
      const written = await under.put(record);
      if (record.topic === 'config') isConfigTouched = true;
      if (!(written instanceof Error) && !decoding.result) letters.expect(record.topic, written);
      return { faults: decoding.faults, partition: written instanceof Error ? null : written.partition };
    },
    isConfigChanged: () => isConfigTouched,
    async settle() {
      const found = isConfigTouched ? await under.restoreConfig() : [];
      isConfigTouched = false;
      return [...found, ...(await letters.missing())];
    },
  };
}

function canBeRead({ topic }: RecordCases, value: Buffer | null): boolean {
  // Of a table that is a row that goes.
  if (value === null) return topic.kind === 'table';
  try {
    topic.codec.decode(value);
    return true;
  } catch {
    return false;
  }
}

/** Runs it, once more and again where it took long: what else the process had to do may have come in between. */
async function measure<T>(run: () => Promise<T>): Promise<{ readonly result: T; readonly faults: readonly Fault[] }> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let tries = 1; ; tries++) {
    const before = process.cpuUsage();
    const result = await run();
    const { user, system } = process.cpuUsage(before);
    leastMs = Math.min(leastMs, (user + system) / 1_000);
    if (leastMs <= maxCpuMs) return { result, faults: [] };
    if (tries === 3) return { result, faults: [{ kind: 'takes too much time', detail: `${Math.round(leastMs)} ms` }] };
  }
}

/** Each as often as its weight says. */
function weighted<T>(all: readonly T[], weightOf: (one: T) => number): T[] {
  const most = Math.max(...all.map(weightOf));
  // Rounds, so that those of great weight are not all in a row.
  return Array.from({ length: most }, (_, round) => all.filter((one) => weightOf(one) > round)).flat();
}

/** From the number of a case to its list and its number there. */
function picker<T>(lists: readonly T[]): (index: number) => { readonly of: T; readonly nth: number } {
  const places = lists.map((one, place) => lists.slice(0, place).filter((other) => other === one).length);
  const shares = new Map(lists.map((one) => [one, lists.filter((other) => other === one).length]));
  return (index) => {
    const of = lists[index % lists.length]!;
    return { of, nth: Math.floor(index / lists.length) * shares.get(of)! + places[index % lists.length]! };
  };
}
