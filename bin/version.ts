/** The version of this program, from the package it came in. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The same file is one folder further away once it is compiled into dist/.
const packageFile = [join(__dirname, '../package.json'), join(__dirname, '../../package.json')].find(existsSync);

export const version: string = packageFile ? JSON.parse(readFileSync(packageFile, 'utf8')).version : 'unknown';
