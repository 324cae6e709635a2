import { AssignerProtocol } from 'kafkajs';
import { type Generation, GroupMember } from '../../../../lib/adapters/kafka/group-member';
import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { defaultKafkaSettings } from '../../../../lib/adapters/kafka/kafka-settings';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { connectionError, fakeCluster, protocolError, silent } from './fake-cluster';

const { MemberAssignment } = AssignerProtocol;

/** A coordinator of a group with one member, which answers or fails as a test says. */
function coordinator() {
  const calls: string[] = [];
  const failures = new Map<string, (Error | 'no answer')[]>();
  const always = new Map<string, Error | 'no answer'>();
  let generations = 0;
  let members = 0;
  const answer = async (call: string): Promise<void> => {
    calls.push(call);
    const failure = failures.get(call)?.shift() ?? always.get(call);
    if (failure === 'no answer') await new Promise(() => {});
    if (failure) throw failure;
  };
  const node: Partial<KafkaNode> = {
    async findGroupCoordinator() {
      await answer('find');
      return { coordinator: { nodeId: 1 } };
    },
    async joinGroup({ memberId, groupProtocols }) {
      await answer('join');
      const id = memberId || `member-${++members}`;
      const member = { memberId: id, memberMetadata: groupProtocols[0]!.metadata };
      return { generationId: ++generations, leaderId: id, memberId: id, members: [member] };
    },
    async syncGroup({ groupAssignment, memberId }) {
      await answer('sync');
      const none = MemberAssignment.encode({ version: 1, assignment: {}, userData: Buffer.alloc(0) });
      return {
        memberAssignment: groupAssignment.find((entry) => entry.memberId === memberId)?.memberAssignment ?? none,
      };
    },
    heartbeat: () => answer('heartbeat'),
    leaveGroup: () => answer('leave'),
    offsetCommit: () => answer('commit'),
  };
  return {
    node,
    calls,
    failAlways: (call: string, error: Error | 'no answer' | null) =>
      void (error ? always.set(call, error) : always.delete(call)),
    /** So many generations of which the member hears nothing. */
    pass(count: number) {
      generations += count;
    },
    count: (call: string) => calls.filter((made) => made === call).length,
    fail(call: string, ...errors: (Error | 'no answer')[]) {
      failures.set(call, [...(failures.get(call) ?? []), ...errors]);
    },
  };
}

function bench({
  onJoined = async () => {},
  onPaused = async () => {},
  stalledMs = () => 0,
}: {
  onJoined?: (generation: Generation) => Promise<void>;
  onPaused?: (generation: Generation) => Promise<void>;
  /** How long the process has stood still in all: time that passes without a timer. */
  stalledMs?: () => number;
} = {}) {
  const virtual = createVirtualClock();
  const clock = { ...virtual, monotonicMs: () => virtual.monotonicMs() + stalledMs() };
  const kafka = coordinator();
  const cluster = fakeCluster({ clock, leaders: { one: [1, 1], two: [1, 1] }, nodes: { 1: kafka.node } });
  const joined: Generation[] = [];
  const lost: Generation[] = [];
  const failures: Error[] = [];
  const continued: { readonly generation: Generation; readonly earlier: Generation }[] = [];
  const member = new GroupMember({
    groupId: 'group',
    partitions: 256,
    topics: ['one', 'two'],
    settings: defaultKafkaSettings,
    connections: cluster.connections,
    clock,
    log: silent,
    onJoined: async (generation) => {
      joined.push(generation);
      await onJoined(generation);
    },
    onPaused,
    onContinued: (generation, earlier) => {
      expect(earlier.isLive() && generation.isLive()).toBe(true);
      continued.push({ generation, earlier });
    },
    onLost: (generation) => void lost.push(generation),
    onFailed: (error) => void failures.push(error),
    onRebalanced: () => {},
  });
  const until = (condition: () => boolean): Promise<void> => clock.runUntilIdle({ until: condition });
  /** Leaves while the clock runs. */
  const leave = async (): Promise<void> => {
    let left = false;
    void member.leave().then(() => {
      left = true;
    });
    await until(() => left);
  };
  return { clock, kafka, member, joined, lost, continued, failures, until, leave, cluster };
}

describe('a member of a group', () => {
  test('joins, heartbeats at its interval, and leaves', async () => {
    const { member, kafka, joined, lost, until, leave, clock } = bench();
    member.start();
    await until(() => kafka.count('heartbeat') === 3);
    expect(joined.map(({ partitions }) => partitions)).toEqual([[0, 1]]);
    expect(joined[0]!.isLive()).toBe(true);
    // The coordinator is asked for once.
    expect(kafka.count('find')).toBe(1);
    await leave();
    expect(kafka.calls.at(-1)).toBe('leave');
    expect(lost).toEqual(joined);
    expect(joined[0]!.isLive()).toBe(false);
    expect(clock.nextTimerAt()).toBeNull();
  });

  test.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])(
    'told %s, it joins again under a new generation',
    async (type) => {
      const { member, kafka, joined, lost, continued, until, leave } = bench();
      kafka.fail('heartbeat', protocolError(type));
      member.start();
      await until(() => joined.length === 2);
      expect(lost).toEqual([joined[0]]);
      expect(joined[1]!.generationId).toBeGreaterThan(joined[0]!.generationId);
      expect(joined[1]!.memberId).toBe(type === 'UNKNOWN_MEMBER_ID' ? 'member-2' : 'member-1');
      expect(joined[1]!.isLive()).toBe(true);
      expect(continued).toEqual([]);
      await leave();
    },
  );

  test('in a rebalance it waits until nothing is under way, and goes on from one generation to the next', async () => {
    const paused: Generation[] = [];
    let idle = (): void => {};
    const { member, kafka, joined, lost, continued, until, leave } = bench({
      onPaused: (generation) => {
        paused.push(generation);
        return new Promise((resolve) => {
          idle = resolve;
        });
      },
    });
    kafka.fail('heartbeat', protocolError('REBALANCE_IN_PROGRESS'));
    member.start();
    await until(() => paused.length === 1);
    expect(paused).toEqual([joined[0]]);
    expect(kafka.count('join')).toBe(1);
    expect(joined[0]!.isLive()).toBe(true);
    idle();
    await until(() => joined.length === 2);
    expect(continued).toEqual([{ generation: joined[1], earlier: joined[0] }]);
    expect(joined[0]!.isLive() || joined[0]!.mayFinish()).toBe(false);
    expect(joined[1]!.isLive()).toBe(true);
    expect(lost).toEqual([]);
    // Nobody may end the newer generation by what he knows of the earlier one.
    member.suspect(joined[0]!);
    expect(joined[1]!.isLive()).toBe(true);
    await leave();
    expect(lost).toEqual([joined[1]]);
  });

  test('what does not end in time is not waited for, and then nothing goes on', async () => {
    const { member, kafka, joined, lost, continued, until, leave } = bench({ onPaused: () => new Promise(() => {}) });
    kafka.fail('heartbeat', protocolError('REBALANCE_IN_PROGRESS'));
    member.start();
    await until(() => joined.length === 2);
    expect(lost).toEqual([joined[0]]);
    expect(continued).toEqual([]);
    await leave();
  });

  test.each<[string, (kafka: ReturnType<typeof coordinator>, standStill: (ms: number) => void) => void]>([
    ['a generation that it has missed', (kafka) => kafka.pass(1)],
    ['a coordinator that has begun to count anew', (kafka) => kafka.pass(-1)],
    ['a join that is refused', (kafka) => kafka.fail('join', protocolError('UNKNOWN_MEMBER_ID'))],
    ['a rebalance within the rebalance', (kafka) => kafka.fail('sync', protocolError('REBALANCE_IN_PROGRESS'))],
    ['a break of the connection', (kafka) => kafka.fail('join', connectionError())],
    ['a member that was expelled meanwhile', (kafka) => kafka.fail('sync', protocolError('UNKNOWN_MEMBER_ID'))],
    ['a stall of the process', (_kafka, standStill) => standStill(defaultKafkaSettings.sessionTimeoutMs)],
  ])('after %s nothing goes on', async (_what, happens) => {
    let stalledMs = 0;
    const { member, kafka, joined, lost, continued, until, leave } = bench({
      stalledMs: () => stalledMs,
      onPaused: async () =>
        happens(kafka, (ms) => {
          stalledMs += ms;
        }),
    });
    member.start();
    await until(() => joined.length === 1);
    kafka.fail('heartbeat', protocolError('REBALANCE_IN_PROGRESS'));
    await until(() => joined.length === 2);
    expect(lost).toEqual([joined[0]]);
    expect(continued).toEqual([]);
    expect(joined[0]!.isLive()).toBe(false);
    expect(joined[1]!.isLive()).toBe(true);
    await leave();
  });

  test('who leaves in the middle of a rebalance leaves', async () => {
    let leaves: (() => void) | null = null;
    const { member, kafka, joined, lost, continued, until } = bench({
      onPaused: () => new Promise(() => leaves?.()),
    });
    member.start();
    await until(() => joined.length === 1);
    let left = false;
    leaves = () => {
      void member.leave().then(() => {
        left = true;
      });
    };
    kafka.fail('heartbeat', protocolError('REBALANCE_IN_PROGRESS'));
    await until(() => left);
    expect(lost).toEqual([joined[0]]);
    expect(continued).toEqual([]);
    expect(kafka.calls.at(-1)).toBe('leave');
  });

  test('a coordinator that moves or is away for a moment costs nothing', async () => {
    const { member, kafka, joined, lost, until, leave, cluster } = bench();
    kafka.fail('find', protocolError('GROUP_COORDINATOR_NOT_AVAILABLE', true));
    kafka.fail('heartbeat', protocolError('NOT_COORDINATOR_FOR_GROUP', true), connectionError());
    member.start();
    await until(() => kafka.count('heartbeat') === 5);
    expect(joined).toHaveLength(1);
    expect(lost).toEqual([]);
    expect(kafka.count('find')).toBe(4);
    expect(cluster.opened()).toBe(1);
    await leave();
  });

  test('without an answer for the connections time-out it gives up its partitions by itself', async () => {
    const { member, kafka, joined, lost, until, leave, clock, cluster } = bench();
    member.start();
    await until(() => kafka.count('heartbeat') === 1);
    const answeredMs = clock.monotonicMs();
    kafka.failAlways('heartbeat', 'no answer');
    cluster.refuseConnections(connectionError());
    await until(() => lost.length === 1);
    const { sessionTimeoutMs } = defaultKafkaSettings;
    expect(clock.monotonicMs() - answeredMs).toBeLessThanOrEqual(sessionTimeoutMs);
    kafka.failAlways('heartbeat', null);
    cluster.refuseConnections(null);
    await until(() => joined.length === 2);
    await leave();
  });

  test('a connections that was seen to be over stays over, whatever is heard afterwards', async () => {
    let stalledMs = 0;
    const { member, kafka, joined, lost, until, leave } = bench({ stalledMs: () => stalledMs });
    member.start();
    await until(() => kafka.count('heartbeat') === 1);
    const { heartbeat } = kafka.node;
    let breakOff: ((error: Error) => void) | null = null;
    kafka.node.heartbeat = () => new Promise((_resolve, reject) => (breakOff = reject));
    await until(() => breakOff !== null);
    stalledMs = defaultKafkaSettings.sessionTimeoutMs;
    // What is under way for a partition sees it now, and stops.
    expect(joined[0]!.isLive()).toBe(false);
    // The coordinator's node is not there, but another one answers: that would have kept a session that was not over.
    kafka.node.heartbeat = heartbeat!;
    breakOff!(connectionError());
    await until(() => joined.length === 2 || kafka.count('heartbeat') > 10);
    expect(lost).toEqual([joined[0]]);
    expect(joined[0]!.isLive()).toBe(false);
    expect(joined[0]!.mayFinish()).toBe(false);
    expect(joined[1]!.isLive()).toBe(true);
    await leave();
  });

  test('while only the coordinator is gone it keeps its partitions, until another has had time to take its place', async () => {
    const { member, kafka, joined, lost, until, leave, clock, failures } = bench();
    member.start();
    await until(() => kafka.count('heartbeat') === 1);
    const answeredMs = clock.monotonicMs();
    let away = false;
    void member.coordinatorAway().then(() => {
      away = true;
    });
    kafka.failAlways('heartbeat', connectionError());
    await until(() => away);
    const { sessionTimeoutMs } = defaultKafkaSettings;
    await until(() => clock.monotonicMs() - answeredMs > 2 * sessionTimeoutMs);
    expect(joined[0]!.isLive()).toBe(true);
    expect(lost).toEqual([]);
    // Not for ever: it may be this process that is cut off.
    await until(() => lost.length === 1);
    expect(clock.monotonicMs() - answeredMs).toBeLessThan(30_000);
    expect(failures).toEqual([]);
    kafka.failAlways('heartbeat', null);
    await until(() => joined.length === 2);
    await leave();
  });

  test('when nobody answers it gives up after the connections time-out', async () => {
    const { member, kafka, lost, until, clock, cluster, leave } = bench();
    member.start();
    await until(() => kafka.count('heartbeat') === 1);
    const answeredMs = clock.monotonicMs();
    kafka.failAlways('heartbeat', connectionError());
    cluster.refuseConnections(connectionError());
    await until(() => lost.length === 1);
    expect(clock.monotonicMs() - answeredMs).toBeLessThanOrEqual(defaultKafkaSettings.sessionTimeoutMs);
    await leave();
  });

  test('when the assignment cannot be taken up it joins again', async () => {
    let tries = 0;
    const { member, joined, until, leave, failures } = bench({
      onJoined: async () => {
        if (++tries === 1) throw connectionError();
      },
    });
    member.start();
    await until(() => joined.length === 2);
    expect(joined[0]!.isLive()).toBe(false);
    expect(failures).toEqual([]);
    await leave();
  });

  test('a doubt about its generation makes it join again at once', async () => {
    const { member, joined, until, leave } = bench();
    member.start();
    await until(() => joined.length === 1);
    member.suspect(joined[0]!);
    expect(joined[0]!.isLive()).toBe(false);
    await until(() => joined.length === 2);
    member.suspect(joined[0]!);
    expect(joined[1]!.isLive()).toBe(true);
    await leave();
  });

  test('what cannot be mended is told once; leaving is quiet then, and without a coordinator', async () => {
    const { member, kafka, failures, until, leave } = bench();
    kafka.fail('join', protocolError('GROUP_AUTHORIZATION_FAILED'));
    member.start();
    await until(() => failures.length > 0);
    expect(failures[0]!.message).toContain('membership of group group failed: Kafka says GROUP_AUTHORIZATION_FAILED');
    await leave();

    const gone = bench();
    gone.member.start();
    await gone.until(() => gone.joined.length === 1);
    gone.kafka.fail('leave', connectionError());
    await gone.leave();
    expect(gone.failures).toEqual([]);
  });
});
