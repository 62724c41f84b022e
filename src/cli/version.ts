/** The version of this build, put in by the bundler; running from source has none. */
declare const __WINNOW_VERSION__: string | undefined

export const version: string = typeof __WINNOW_VERSION__ === 'string' ? __WINNOW_VERSION__ : '0.0.0-source'
