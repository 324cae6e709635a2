import { testPart } from './attack';

testPart('configuration', 3);
