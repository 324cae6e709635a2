import { testPart } from './attack';

testPart('http', 5);
