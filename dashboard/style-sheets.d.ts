/** esbuild gathers these into one file; to the types they are nothing. */
declare module '*.css';
