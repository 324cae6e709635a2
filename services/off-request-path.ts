/**
 * What a process reads first that no request waits for: it gives way to those that decide. A start reads a thousand files, and on a machine that
 * is full each process has the same share of it, so that whoever starts anew takes from whoever takes over.
 */
import { optimiseLater } from '../lib/optimise-later';
import { niceSession } from './give-way';

/** A third of the share of the others; the trainer lowers itself further. */
const niceness = 5;

niceSession(niceness);
optimiseLater();
