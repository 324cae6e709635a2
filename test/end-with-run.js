// A worker whose test run is gone, as when somebody has killed it, ends at once, and with it all that its tests have
// started (test/watched.js): it would go on to the end of its test file, and its programs beside whatever comes next.
process.once('disconnect', () => process.exit(1));
