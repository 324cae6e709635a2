import { testPart } from './attack';

testPart('http', 7);
