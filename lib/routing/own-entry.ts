/** The reader of tables keyed by words from outside, under the path by which routing knows it. */
export { ownEntry } from '../dictionary';
