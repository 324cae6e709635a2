import { testPart } from './attack';

testPart('records', 4);
