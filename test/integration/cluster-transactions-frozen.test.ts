import { testNodeLost } from './cluster-transactions';

testNodeLost('SIGSTOP');
