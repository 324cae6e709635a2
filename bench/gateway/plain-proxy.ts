/**
 * What a call through any process of this runtime takes longer: reads nothing, decides nothing, keeps nothing, and only passes on
 * what comes to the upstream that the first argument names, by the same HTTP server and client as the gateway's. Tells its port.
 */
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2]!);

const server = createServer((request, response) => {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const { url: path, method } = request;
  pool
    .stream({ path: path!, method: method as 'POST', headers, body: request }, ({ statusCode, headers: answered }) =>
      response.writeHead(statusCode, answered as OutgoingHttpHeaders),
    )
    .catch(() => response.destroy());
});

server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
