import { testNodeLost } from './cluster-transactions';

testNodeLost('SIGKILL');
