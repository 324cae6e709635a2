/**
 * A Kafka of its own that lets nobody in without TLS and a password, and nobody do what no rule allows. Beside the guarded
 * listener it has a plain one, through which the test is its administrator.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { type LocalServer, runKafkaTool, startKafkaCluster } from '../infra/local-servers';
import { run } from '../infra/tools';
import type { AccessRights } from '../lib/stream/access-rights';

export interface SecureKafka {
  /** host:port of the guarded listener. */
  readonly address: string;
  /** host:port of the administrator's listener. */
  readonly plainAddress: string;
  readonly certificates: Certificates;
  readonly server: LocalServer;
  /** Grants what docs/operations.md says that somebody needs. */
  allow(user: string, rights: AccessRights, prefix: string): Promise<void>;
  /** Grants single operations on all topics with a prefix. */
  allowOnPrefix(user: string, prefix: string, operations: readonly AclOperationTypes[]): Promise<void>;
  setPassword(user: string, password: string): void;
  stop(): Promise<void>;
}

export interface Certificates {
  readonly caFile: string;
  /** An authority that signed nothing here. */
  readonly otherCaFile: string;
}

/** What a process needs to know to come in as this user. */
export function secureEnvironment(kafka: SecureKafka, user: string, password: string): Record<string, string> {
  return {
    KAFKA_BROKERS: kafka.address,
    KAFKA_TLS_CA_FILE: kafka.certificates.caFile,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_USERNAME: user,
    KAFKA_PASSWORD: password,
  };
}

/** Starts it with `users` and their passwords; `expired`: its certificate was valid until yesterday. */
export async function startSecureKafka(
  directory: string,
  users: Readonly<Record<string, string>>,
  { expired = false } = {},
): Promise<SecureKafka> {
  const certificates = makeCertificates(directory, expired);
  const cluster = await startKafkaCluster({
    directory: join(directory, 'kafka'),
    nodes: 1,
    clientProtocol: 'SASL_SSL',
    formatArguments: Object.entries(users).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${password}]`,
    ]),
    properties: {
      'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.client.scram-sha-512.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': join(directory, 'broker.pem'),
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Whoever comes through the plain listener has no name.
      'super.users': 'User:ANONYMOUS',
    },
  });
  const [server] = cluster.nodes as [LocalServer];
  const [plainAddress] = cluster.plainAddresses as [string];
  const admin = new Kafka({ brokers: [plainAddress], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const rule = (user: string, resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
    resourceType,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  });
  return {
    address: server.address,
    plainAddress,
    certificates,
    server,
    async allow(user, { read, write, groups, transactionalIds }, prefix) {
      const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes;
      const { READ, WRITE } = AclOperationTypes;
      await admin.createAcls({
        acl: [
          ...read.map((name) => rule(user, TOPIC, prefix + name, READ)),
          ...write.map((name) => rule(user, TOPIC, prefix + name, WRITE)),
          ...groups.map((name) => rule(user, GROUP, prefix + name, READ)),
          ...transactionalIds.map((name) => ({
            ...rule(user, TRANSACTIONAL_ID, prefix + name, WRITE),
            resourcePatternType: ResourcePatternTypes.PREFIXED,
          })),
        ],
      });
    },
    async allowOnPrefix(user, prefix, operations) {
      const acl = operations.map((operation) => ({
        ...rule(user, AclResourceTypes.TOPIC, prefix, operation),
        resourcePatternType: ResourcePatternTypes.PREFIXED,
      }));
      await admin.createAcls({ acl });
    },
    setPassword(user, password) {
      const change = ['--alter', '--add-config', `SCRAM-SHA-512=[password=${password}]`];
      const of = ['--entity-type', 'users', '--entity-name', user];
      const args = ['--bootstrap-server', plainAddress, ...change, ...of];
      const { status, stderr } = runKafkaTool('kafka.admin.ConfigCommand', args);
      if (status !== 0) throw new Error(`the password of ${user} cannot be changed: ${stderr}`);
    },
    async stop() {
      await admin.disconnect();
      await cluster.stop();
    },
  };
}

/** Two authorities, and a certificate of the first for a broker on 127.0.0.1. */
function makeCertificates(directory: string, expired: boolean): Certificates {
  const at = (name: string): string => join(directory, name);
  for (const name of ['ca', 'other-ca']) {
    const subject = ['-subj', `/CN=${name}`, '-days', '30'];
    run(
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.pem`),
      ...subject,
    );
  }
  run(
    'openssl',
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    at('broker.key'),
    '-out',
    at('broker.csr'),
    '-subj',
    '/CN=broker',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  );
  // Days below zero end the validity in the past.
  const validity = ['-days', expired ? '-1' : '30'];
  run(
    'openssl',
    'x509',
    '-req',
    '-in',
    at('broker.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-copy_extensions',
    'copy',
    '-out',
    at('broker.crt'),
    ...validity,
  );
  const key = run('openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', at('broker.key'));
  writeFileSync(
    at('broker.pem'),
    `${key}${readFileSync(at('broker.crt'), 'utf8')}${readFileSync(at('ca.pem'), 'utf8')}`,
  );
  return { caFile: at('ca.pem'), otherCaFile: at('other-ca.pem') };
}
