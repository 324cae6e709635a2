import { testFlood } from './flood';

testFlood('flood-of-zeros', 660);
