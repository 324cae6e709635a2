import { testPart } from './attack';

testPart('records', 6);
