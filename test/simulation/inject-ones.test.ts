import { testFlood } from './flood';

testFlood('flood-of-ones', 660);
