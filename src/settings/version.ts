/** Set by the build, from package.json. */
declare const MY_INIT_VERSION: string;

export const VERSION: string = typeof MY_INIT_VERSION === 'undefined' ? 'unbuilt' : MY_INIT_VERSION;
