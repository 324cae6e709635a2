import { defaultRedisSettings, type RedisSettings, redisEndpoint } from '../../../../lib/adapters/redis/redis-settings';

const endpointOf = (change: Partial<RedisSettings>) => redisEndpoint({ ...defaultRedisSettings, ...change });

test('everything from the URL', () => {
  expect(endpointOf({ url: 'rediss://team:p%40ss@redis.example:7000/3' })).toEqual({
    host: 'redis.example',
    port: 7_000,
    database: 3,
    username: 'team',
    password: 'p@ss',
    tls: { rejectUnauthorized: true, servername: 'redis.example' },
    address: 'redis.example:7000',
  });
});

test('defaults, and addresses instead of names', () => {
  const plain = { port: 6_379, database: 0, username: null, password: null, tls: null };
  expect(endpointOf({ url: 'redis://localhost' })).toEqual({ ...plain, host: 'localhost', address: 'localhost:6379' });
  expect(endpointOf({ url: 'redis://[::1]/' })).toEqual({ ...plain, host: '::1', address: '[::1]:6379' });
  // An address is no server name.
  expect(endpointOf({ url: 'rediss://127.0.0.1' }).tls).toEqual({ rejectUnauthorized: true });
});

test('settings win over the URL', () => {
  const { password, tls } = endpointOf({
    url: 'redis://:old@host',
    password: 'new',
    tls: { caPem: 'pem', rejectUnauthorized: false },
  });
  expect(password).toBe('new');
  expect(tls).toEqual({ ca: 'pem', rejectUnauthorized: false, servername: 'host' });
});

test.each(['', 'host:6379', 'http://:secret@host', 'redis://:secret@', 'redis://:secret@host/db', 'redis:///0'])(
  'refuses "%s" and does not repeat it',
  (url) => {
    expect(() => endpointOf({ url })).toThrow(/^the URL of Redis must look like redis:\/\/(?!.*secret)/);
  },
);

test('a percent sign that is none is explained, not repeated', () => {
  expect(() => endpointOf({ url: 'redis://:50%off@host' })).toThrow(
    'in the URL of Redis, a percent sign in the user or the password is written %25',
  );
});
