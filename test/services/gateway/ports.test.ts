/** The ports of the gateway itself: TLS from files that change, administration at a port of its own, pages of other origins. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { WebSocket } from 'ws';
import { systemClock } from '../../../lib/adapters/system';
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { sleep } from '../../../lib/ports/clock';
import { createLog } from '../../../lib/telemetry/log';
import { createMetrics } from '../../../lib/telemetry/metrics';
import { openDoor } from '../../../services/gateway/http/open-door';
import { patienceMs, testLimitMs } from '../../patience';
import { atEnd } from '../../started';
import { callHttp, startGateway, testConfig } from './start-gateway';
import { bearer, startKeyedGateway } from './start-keyed-gateway';

const directory = mkdtempSync(join(tmpdir(), 'gateway-tls-'));
atEnd(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

/** A certificate for 127.0.0.1 and its key. */
function makePair(name: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [at(`${name}.crt`), at(`${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '30'];
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...options, '-keyout', keyFile, '-out', certFile, ...subject], { stdio: 'ignore' });
  return { certFile, keyFile };
}

/** Name in the certificate that a port shows now. */
function nameAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Files are looked at once a second. */
async function comesTrue(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await holds()); waitedMs += 50) {
    if (waitedMs > patienceMs) throw new Error(`waited in vain until ${what}`);
    await sleep(systemClock(), 50);
  }
}

describe('TLS', () => {
  test('the gateway speaks it, with the certificate of its files, and not plain HTTP', async () => {
    const tls = makePair('first');
    const started = await startGateway({ settings: { tls } });
    expect(started.gateway.url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      const agent = new Agent({ ca: readFileSync(tls.certFile) });
      request(`${started.gateway.url}/v1/models`, { agent }, (response) => {
        response.resume();
        resolve(response.statusCode);
        agent.destroy();
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await expect(callHttp(started.gateway.url.replace('https', 'http'), 'GET', '/health')).rejects.toThrow();
    await started.stop();
  });

  test('a request that would rather speak another protocol is answered all the same', async () => {
    const tls = makePair('upgrade');
    const started = await startGateway({ settings: { tls } });
    const socket = connect({ port: started.gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
    const answer = new Promise<string>((resolve, reject) => {
      socket.once('data', (bytes) => resolve(String(bytes)));
      socket.once('close', () => reject(new Error('closed without an answer')));
    });
    socket.write('GET /health HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 200 OK/);
    socket.destroy();
    await started.stop();
  });

  test('a connection that has asked nothing does not hold up the end', async () => {
    const started = await startGateway({ settings: { tls: makePair('unused'), requestTimeoutMs: testLimitMs } });
    const socket = connect({ port: started.gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    await started.stop();
    await closed;
  });

  test('a certificate that is renewed is in use without a restart; one that is none is not, and is counted', async () => {
    const [first, second] = [makePair('before'), makePair('after')];
    const tls = { certFile: at('live.crt'), keyFile: at('live.key') };
    const put = (from: { certFile: string; keyFile: string }): void => {
      for (const [source, target] of [
        [from.certFile, tls.certFile],
        [from.keyFile, tls.keyFile],
      ] as const) {
        writeFileSync(`${target}.new`, readFileSync(source));
        renameSync(`${target}.new`, target);
      }
    };
    put(first);
    const metrics = createMetrics();
    const door = await openDoor({ port: 0, tls }, metrics, createLog({ level: 'silent' }));
    expect(await nameAt(door.port)).toBe('before');
    writeFileSync(tls.certFile, 'no certificate');
    const isCounted = async () => /quantum_router_tls_reload_failures_total [1-9]/.test(await metrics.text());
    await comesTrue('the failure is counted', isCounted);
    expect(await nameAt(door.port)).toBe('before');
    put(second);
    await comesTrue('the new certificate is shown', async () => (await nameAt(door.port)) === 'after');
    await door.close();
  });

  test('files that cannot be used are said at the start, and nothing listens', async () => {
    const { certFile } = makePair('one');
    const { keyFile } = makePair('two');
    const open = (tls: { certFile: string; keyFile: string }) => openDoor({ port: 0, tls }, createMetrics());
    await expect(open({ certFile, keyFile })).rejects.toThrow(/cannot speak TLS with .*one\.crt/);
    await expect(open({ certFile, keyFile: at('nowhere') })).rejects.toThrow(/nowhere/);
  });
});

test('administration has a port of its own: at the other one its routes are not there', async () => {
  const started = await startKeyedGateway({ settings: { adminPort: 0 } });
  const asAdmin = bearer(started.admin.secret);
  const adminUrl = started.gateway.adminUrl!;
  expect(adminUrl).not.toBe(started.gateway.url);
  for (const path of ['/v1/keys', '/v1/audit', '/v1/config', '/v1/weights', '/metrics']) {
    expect([path, (await callHttp(started.gateway.url, 'GET', path, undefined, asAdmin)).status]).toEqual([path, 404]);
    expect([path, (await callHttp(adminUrl, 'GET', path, undefined, asAdmin)).status]).toEqual([path, 200]);
    expect([path, (await callHttp(adminUrl, 'GET', path)).status]).toEqual([path, 401]);
  }
  for (const path of ['/v1/models', '/health'])
    for (const url of [started.gateway.url, adminUrl])
      expect((await callHttp(url, 'GET', path, undefined, asAdmin)).status).toBe(200);
  const refusalAt = async (url: string) => {
    const { body } = await callHttp(url, 'GET', '/v1/me', undefined, asAdmin);
    return body.operations.find(({ name }: { name: string }) => name === 'GET /v1/keys').refusal;
  };
  expect(await refusalAt(started.gateway.url)).toBe('administration has a port of its own');
  expect(await refusalAt(adminUrl)).toBeNull();
  // The dashboard's live view is there, too, over whatever it comes.
  const socket = new WebSocket(`${adminUrl.replace('http', 'ws')}/v1/live`, { headers: asAdmin });
  atEnd(() => socket.terminate());
  const first = await new Promise((resolve, reject) => {
    socket.once('message', (text) => resolve(JSON.parse(String(text)).kind));
    socket.once('error', reject);
  });
  expect(first).toBe('caught-up');
  await started.stop();
});

test('where the port of callers is open to others, that of administration on this machine is not by that', async () => {
  const started = await startGateway({ settings: { host: '0.0.0.0', adminPort: 0 } });
  expect((await callHttp(`http://127.0.0.1:${started.gateway.port}`, 'GET', '/v1/models')).status).toBe(401);
  expect((await callHttp(started.gateway.adminUrl!, 'GET', '/v1/keys')).status).toBe(200);
  await started.stop();
});

describe('pages of other origins', () => {
  const config = defaultRouterConfig([...testConfig.models], {
    access: { issuers: {}, cors: { origins: ['https://app.example.com'], maxAgeSeconds: 60 } },
  });
  const preflight = (origin: string) => ({
    ...{ origin, 'access-control-request-method': 'POST' },
    'access-control-request-headers': 'authorization, content-type, x-stainless-os',
  });

  test('those that are listed may call, with a key, and hear the headers; others may not', async () => {
    const started = await startKeyedGateway({ config });
    const asked = await started.call('OPTIONS', '/v1/route', undefined, preflight('https://app.example.com'));
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(asked.headers.get('access-control-allow-headers')).toContain('x-stainless-os');
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-max-age')).toBe('60');
    expect(asked.headers.has('access-control-allow-credentials')).toBe(false);
    const origin = { origin: 'https://app.example.com' };
    // Also of a refusal: a page could not read why, else.
    const refused = await started.call('GET', '/v1/models', undefined, origin);
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, origin.origin]);
    const answered = await started.call('GET', '/v1/models', undefined, { ...origin, ...bearer(started.admin.secret) });
    expect(answered.headers.get('vary')).toContain('Origin');
    expect(answered.headers.get('access-control-expose-headers')).toContain('x-quantum-decision-id');
    for (const other of ['https://evil.example.com', 'https://app.example.com.evil.example', 'null']) {
      const { headers } = await started.call('OPTIONS', '/v1/route', undefined, preflight(other));
      expect([other, headers.get('access-control-allow-origin')]).toEqual([other, null]);
    }
    await started.stop();
  });

  test('without any that are listed, no answer says anything of origins', async () => {
    const started = await startKeyedGateway();
    const { headers } = await started.call('OPTIONS', '/v1/route', undefined, preflight('https://app.example.com'));
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    await started.stop();
  });
});
