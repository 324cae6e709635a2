import { testPart } from './attack';

testPart('http', 8);
