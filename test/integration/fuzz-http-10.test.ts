import { testPart } from './attack';

testPart('http', 10);
